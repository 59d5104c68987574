using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using Feast.Core;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using Npgsql;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Sql;

/// <summary>
/// Feast's SQL registry: each table's rows of one project, put together as the message that a file registry would be. Feast
/// leaves <c>project</c> out of many of its messages here, so it is taken from the row. A change reads, decides and writes in
/// one transaction that keeps other writers out, Feast's too, and touches only rows that differ.
/// </summary>
/// <param name="reads">Where to read from: the same database, or a replica of it.</param>
/// <param name="project">The project to read; of other projects only the names.</param>
/// <param name="makesTables">Whether a write may make tables that are missing.</param>
internal sealed class SqlRegistry(SqlRegistryAddress address, SqlRegistryAddress reads, string project, TimeProvider time, bool makesTables = true) : IRegistryStore
{
    private const int RevisionBytes = 8;

    public string Place => address.Shown;

    public bool Exists() => (!reads.IsSqlite || File.Exists(reads.Shown)) && Run(reads, connection => SqlSchema.Tables(connection, reads.IsSqlite).Contains(SqlTable.ViewsName));

    public RegistryProto Load() => Run(reads, connection =>
    {
        using var transaction = connection.BeginTransaction(reads.IsSqlite ? IsolationLevel.Serializable : IsolationLevel.RepeatableRead);
        return Read(Rows(connection, transaction, reads));
    });

    public DateTimeOffset? LatestEnd(string project, string view) => ViewMeta.LatestEnd(Load(), project, view);

    public void RecordInterval(string project, string view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) =>
        RegistryChange.RecordInterval(this, time, project, view, start, end, cancellationToken);

    public IReadOnlyList<PlannedChange> RemoveProject(string project, CancellationToken cancellationToken) =>
        Exists() ? RegistryChange.RemoveProject(this, project, cancellationToken) : [];

    (string Revision, bool Written) IRegistryStore.Update(Func<RegistryProto, bool> change, bool mustExist, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Run(address.ForWriting(mayMake: !mustExist && makesTables), connection =>
        {
            if (!mustExist && makesTables)
            {
                SqlSchema.Make(connection, address.IsSqlite);
            }

            CheckTables(SqlSchema.Tables(connection, address.IsSqlite), address);
            using var transaction = SqlSchema.BeginAlone(connection, address.IsSqlite);
            var rows = Rows(connection, transaction, address);
            var before = Read(rows);
            var after = before.Clone();
            if (!change(after))
            {
                return (before.VersionId, false);
            }

            Write(rows, before, after);
            var revision = Read(rows).VersionId;
            transaction.Commit();
            return (revision, true);
        });
    }

    private static RegistryProto Read(SqlRows rows)
    {
        var registry = new RegistryProto { RegistrySchemaVersion = "1" };
        foreach (var table in SqlTable.All)
        {
            table.Read(rows, registry);
        }

        SqlVersions.Read(rows, registry);
        foreach (var infra in rows.Of("managed_infra", "infra_name", "infra_proto", Infra.Parser, (_, _) => { }, ofAllProjects: false))
        {
            (registry.Infra ??= new Infra()).MergeFrom(infra);
        }

        // The tables have no revision, and the time of the last write is a whole second, so the content speaks too.
        var content = Convert.ToHexStringLower(SHA256.HashData(registry.ToByteArray()).AsSpan(0, RevisionBytes));
        if (long.TryParse(rows.Metadata("last_updated_timestamp"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            registry.LastUpdated = new Timestamp { Seconds = seconds };
            registry.VersionId = string.Create(CultureInfo.InvariantCulture, $"{rows.Metadata("project_uuid")}@{seconds}.{content}");
        }

        return registry;
    }

    private void Write(SqlRows rows, RegistryProto before, RegistryProto after)
    {
        foreach (var table in SqlTable.All)
        {
            table.Write(rows, before, after);
        }

        SqlVersions.Write(rows, before, after);
        if (after.Projects.Any(p => p.Spec?.Name == project))
        {
            rows.Touch();
        }
        else
        {
            rows.Forget();
        }
    }

    private SqlRows Rows(DbConnection connection, DbTransaction transaction, SqlRegistryAddress from)
    {
        var tables = SqlSchema.Tables(connection, from.IsSqlite, transaction);
        CheckTables(tables, from);
        return new SqlRows(connection, transaction, tables, project, from.Shown, time.GetUtcNow().ToUnixTimeSeconds());
    }

    private static void CheckTables(HashSet<string> tables, SqlRegistryAddress of)
    {
        if (!tables.Contains(SqlTable.ViewsName))
        {
            throw new RegistryException($"There is no registry in {of.Shown}: the table {SqlTable.ViewsName} is missing. Run 'fstore apply', or correct 'path'.");
        }
    }

    private static T Run<T>(SqlRegistryAddress on, Func<DbConnection, T> work)
    {
        try
        {
            using var connection = on.Connection();
            connection.Open();
            return work(connection);
        }
        catch (Exception e) when (e is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } or SqliteException { SqliteErrorCode: 5 })
        {
            throw new RegistryException($"The SQL registry {on.Shown} is being written by another process; run again when it is done. Nothing was written.", e);
        }
        catch (Exception e) when (e is DbException or SocketException or TimeoutException or IOException or InvalidCastException or ArgumentException)
        {
            throw new RegistryException($"The SQL registry {on.Shown} cannot be used ({e.Message}); check 'path' of 'registry', the server and the rights.", e);
        }
    }
}
