namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// What must happen to one hash in one step. Redis runs a script alone, so no reader sees half a row and no second writer
/// comes between the look at the stored time and the write.
/// </summary>
internal static class RedisScripts
{
    /// <summary>First argument of <see cref="Write"/>: the rule.</summary>
    public const string RuleNewer = "newer";

    public const string RuleNewerOrEqual = "equal";

    public const string RuleAlways = "always";

    /// <summary>Field of a fence's hash: the fence that stands.</summary>
    public const string Fence = "fence";

    /// <summary>Field of a fence's hash: the fence of the last holder that left the table whole.</summary>
    public const string Whole = "whole";

    /// <summary>Arguments of <see cref="Write"/> before those of the hashes.</summary>
    public const int WriteHeaderLength = 4;

    /// <summary>Arguments of <see cref="Write"/> before the fields of a row.</summary>
    public const int RowHeaderLength = 2;

    // A call takes at most about 8,000 Lua values (LUAI_MAXCSTACK), so long rows go in pieces.
    private const string PieceMax = "4000";

    /// <summary>
    /// For each key, offers its rows to the rule, in their order, and writes the last that it takes; each row carries every feature, so that is the same as
    /// writing all that were taken. Times are compared in nanoseconds. Replies how many rows were taken. If the first key is a fence, the one given must
    /// stand there. A key whose stored time is none ends the call; keys before it are written.
    /// <code>
    /// KEYS [fence] hash*
    /// ARGV rule, ttl seconds or 0, fence or empty, items of a row's fields, then per hash: rows, then per row: seconds, nanos, time field, time, (field, value)*
    /// </code>
    /// </summary>
    public const string Write = $$"""
        local function time(bytes)
          local at, parts = 1, {[8] = 0, [16] = 0}
          while at <= #bytes do
            local tag = string.byte(bytes, at)
            if not parts[tag] then return nil end
            local value, scale, length = 0, 1, 0
            repeat
              at = at + 1
              length = length + 1
              local part = string.byte(bytes, at)
              if not part or length > 10 then return nil end
              value = value + part % 128 * scale
              scale = scale * 128
            until part < 128
            at = at + 1
            -- The sign of an int64 lies in its tenth byte.
            if length == 10 then value = -1 end
            parts[tag] = value
          end
          return parts[8], parts[16]
        end

        local rule, ttl, fence, width = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
        local hash = 1
        if fence ~= '' then
          local standing = redis.call('HGET', KEYS[1], '{{Fence}}')
          if standing ~= fence then return redis.error_reply('{{RedisErrors.FenceLost}} ' .. (standing or '')) end
          hash = 2
        end
        -- A store that is filled for the first time has none of the keys; one look tells.
        local looks = rule ~= '{{RuleAlways}}' and (#KEYS == hash or redis.call('EXISTS', unpack(KEYS, hash)) > 0)
        local at, all = 5, 0
        for k = hash, #KEYS do
          local rows = tonumber(ARGV[at])
          at = at + 1
          local seconds, nanos, taken, last = 0, 0, 0, 0
          if looks then
            local stored = redis.call('HGET', KEYS[k], ARGV[at + 2])
            if stored then seconds, nanos = time(stored) end
            if not seconds then return redis.error_reply('{{RedisErrors.NotATime}} the stored event time is no timestamp') end
          end
          if rows == 1 and seconds == 0 and nanos == 0 then
            taken, last = 1, at + 2
          else
            for from = at, at + (rows - 1) * (width + 2), width + 2 do
              local s, n = tonumber(ARGV[from]), tonumber(ARGV[from + 1])
              local none = seconds < 0 or (seconds == 0 and nanos == 0)
              if rule == '{{RuleAlways}}' or none or s > seconds
                or (s == seconds and (n > nanos or (n == nanos and rule == '{{RuleNewerOrEqual}}'))) then
                seconds, nanos, taken, last = s, n, taken + 1, from + 2
              end
            end
          end
          if taken > 0 then
            for from = last, last + width - 1, {{PieceMax}} do
              redis.call('HSET', KEYS[k], unpack(ARGV, from, math.min(from + {{PieceMax}}, last + width) - 1))
            end
            if ttl > 0 then redis.call('EXPIRE', KEYS[k], ttl) end
          end
          all = all + taken
          at = at + rows * (width + 2)
        end
        return all
        """;

    /// <summary>
    /// Raises a fence, never lowers it, and replies the one that stands then. Fences are compared as numbers; they stay far below 2^53.
    /// <code>KEYS fence   ARGV the new fence</code>
    /// </summary>
    public const string RaiseFence = $$"""
        local standing = redis.call('HGET', KEYS[1], '{{Fence}}')
        local number = standing and tonumber(standing)
        if standing and (not number or number >= tonumber(ARGV[1])) then return standing end
        redis.call('HSET', KEYS[1], '{{Fence}}', ARGV[1])
        return ARGV[1]
        """;

    /// <summary>
    /// Marks a table whole if the fence given stands.
    /// <code>KEYS fence   ARGV the fence</code>
    /// </summary>
    public const string MarkWhole = $$"""
        local standing = redis.call('HGET', KEYS[1], '{{Fence}}')
        if standing ~= ARGV[1] then return redis.error_reply('{{RedisErrors.FenceLost}} ' .. (standing or '')) end
        return redis.call('HSET', KEYS[1], '{{Whole}}', ARGV[1])
        """;

    /// <summary>
    /// Takes views out of a hash, and the whole key when no other view's event time is left in it. A key without these
    /// views, or of another kind, stays as it is.
    /// <code>KEYS hash   ARGV count of time fields, time fields, features' fields</code>
    /// </summary>
    public const string Remove = $$"""
        if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
        local last = tonumber(ARGV[1]) + 1
        local had = redis.call('HDEL', KEYS[1], unpack(ARGV, 2, last))
        for from = last + 1, #ARGV, {{PieceMax}} do
          redis.call('HDEL', KEYS[1], unpack(ARGV, from, math.min(from + {{PieceMax}} - 1, #ARGV)))
        end
        if had > 0 then
          for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
            if string.sub(field, 1, 4) == '_ts:' then return had end
          end
          redis.call('DEL', KEYS[1])
        end
        return had
        """;
}
