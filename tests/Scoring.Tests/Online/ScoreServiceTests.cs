using System.Globalization;
using System.Net;
using System.Text.Json;
using FeatureStore.Contract.Scoring;
using FeatureStore.Contract.Values;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Tests.Cases;
using FeatureStore.Scoring.Tests.Store;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Scoring.Tests.Online;

public sealed class ScoreServiceTests
{
    private static readonly float[] Plain = [4, 1614, 403.5f, 14.6f, 1200, 0, 2];

    [Fact]
    public async Task Score_RecordedRows_GivesTheRecordedPredictionsOverBothApis()
    {
        var golden = GoldenCase.Open("xgb-native-nan");
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.PutRecorded(golden);
        var recorded = GoldenCase.Read(golden.Outputs[0], "prediction").Span<float>().ToArray();
        string[] users = [.. Enumerable.Range(0, recorded.Length).Select(i => $"u{i}")];
        var reply = await bank.ScoreAsync(users);
        var overGrpc = reply.Outputs.Single(o => o.Name == "prediction").Values.Select(v => v.FloatVal).ToArray();
        Assert.All(overGrpc.Zip(recorded), p => Assert.True(Math.Abs(p.First - p.Second) <= 1e-6, $"{p}"));
        var (status, body) = await bank.PostAsync(users);
        Assert.Equal(HttpStatusCode.OK, status);
        var rows = JsonDocument.Parse(body).RootElement.GetProperty("rows").EnumerateArray().ToArray();
        Assert.Equal(overGrpc, rows.Select(r => float.Parse(r.GetProperty("scores").GetProperty("prediction").GetRawText(), CultureInfo.InvariantCulture)));
        Assert.Equal(users, rows.Select(r => r.GetProperty("entities").GetProperty("user_id").GetString()));
    }

    [Fact]
    public async Task Score_OneEntity_TellsModelFeaturesStatusesAndFreshness()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var reply = await bank.ScoreAsync(["u"]);
        var manifest = bank.Models.Show(ScoredBank.Name);
        Assert.Equal((ScoredBank.Name, "1", manifest.Model.Sha256, ScoredBank.Service), (reply.Model.Name, reply.Model.Version, reply.Model.Sha256, reply.Model.FeatureService));
        Assert.Equal(StoreFixture.Weekly, reply.FeatureNames);
        Assert.Equal(4, reply.Features[0].Values[0].Int64Val);
        Assert.Equal(1614.0, reply.Features[1].Values[0].DoubleVal);
        Assert.All(reply.Features, f => Assert.Equal(Feast.Serving.FieldStatus.Present, f.Statuses[0]));
        Assert.Equal(Outcome.Scored, reply.Rows[0].Outcome);
        Assert.Equal(ScoredBank.EventTime, reply.Rows[0].OldestEventTimestamp.ToDateTimeOffset());
        Assert.Equal(86_400_000, reply.Rows[0].OldestAgeMillis);
        Assert.Empty(reply.Warnings);
    }

    [Fact]
    public async Task Score_FeatureIsMissing_FollowsTheModelsPolicy()
    {
        foreach (var (policy, outcome) in new[] { (MissingPolicy.Refuse, Outcome.Refused), (MissingPolicy.Default, Outcome.Scored), (MissingPolicy.NaN, Outcome.Scored) })
        {
            await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", policy));
            bank.Put("whole", Plain);
            bank.Put("zeros", [4, 1614, 0, 0, 0, 0, 2]);
            bank.Put("holes", [4, 1614, float.NaN, float.NaN, float.NaN, 0, 2]);
            var reply = await bank.ScoreAsync(["whole", "holes", "zeros", "whole"]);
            Assert.Equal([Outcome.Scored, outcome, Outcome.Scored, Outcome.Scored], reply.Rows.Select(r => r.Outcome));
            var scores = reply.Outputs[0].Values;
            Assert.Equal(scores[0], scores[3]);
            switch (policy)
            {
                case MissingPolicy.Refuse:
                    Assert.Equal(["avg_amount_l1w", "min_amount_l1w", "max_amount_l1w"], reply.Rows[1].Missing);
                    Assert.Equal(Feast.Types.Value.ValOneofCase.None, scores[1].ValCase);
                    break;
                case MissingPolicy.Default:
                    Assert.Equal(scores[2], scores[1]);
                    break;
                default:
                    Assert.NotEqual(scores[2], scores[1]);
                    break;
            }
        }
    }

    [Fact]
    public async Task Score_FeatureIsOlderThanItsTtl_CountsAsMissing()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.Refuse));
        bank.Put("u", Plain);
        bank.Time.Now = ScoredBank.EventTime + ScoredBank.Ttl;
        Assert.Equal(Outcome.Scored, (await bank.ScoreAsync(["u"])).Rows[0].Outcome);
        bank.Time.Now += TimeSpan.FromMilliseconds(1);
        var late = await bank.ScoreAsync(["u"]);
        Assert.Equal(Outcome.Refused, late.Rows[0].Outcome);
        Assert.Equal(Feast.Serving.FieldStatus.OutsideMaxAge, late.Features[0].Statuses[0]);
        Assert.Empty(late.Outputs);
    }

    [Fact]
    public async Task Score_ModelAnswersNaN_SaysNoScore()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("lr-vector", MissingPolicy.NaN));
        bank.Put("infinite", [4, float.PositiveInfinity, 1, 1, float.PositiveInfinity, 0, 2]);
        bank.Put("plain", Plain);
        var reply = await bank.ScoreAsync(["plain", "infinite"]);
        Assert.Equal([Outcome.Scored, Outcome.NoScore], reply.Rows.Select(r => r.Outcome));
    }

    [Fact]
    public async Task Score_ServedDefinitionsChanged_RefusesUntilTheyAreBack()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var before = (await bank.ScoreAsync(["u"])).Outputs[0].Values[0];
        bank.Runtime.Replace(ScoredBank.Snapshot(Kind.Float));
        var refused = await Assert.ThrowsAsync<RpcException>(() => bank.ScoreAsync(["u"]));
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("fingerprint", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Conflict, (await bank.PostAsync(["u"])).Status);
        bank.Runtime.Replace(ScoredBank.Snapshot(Kind.Double));
        Assert.Equal(before, (await bank.ScoreAsync(["u"])).Outputs[0].Values[0]);
    }

    [Fact]
    public async Task Score_TrainedOnWindowsAtLabels_WarnsOfTheSkew()
    {
        await using var bank = await ScoredBank.StartAsync();
        bank.Add("xgb-native-nan", training: JsonSerializer.SerializeToElement(new { window_at = "label" }));
        bank.Promote("1");
        bank.Live.Refresh();
        bank.Put("u", Plain);
        Assert.Contains("windows that end at each label", Assert.Single((await bank.ScoreAsync(["u"])).Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"model\": \"other\", \"entities\": {\"user_id\": [\"u\"]}}", 404, "no live model 'other'; live are: outflow")]
    [InlineData("{\"model\": \"outflow\"}", 422, "'entities' is required")]
    [InlineData("{\"entities\": {\"user_id\": [\"u\"]}}", 422, "'model' is required")]
    [InlineData("{\"model\": \"outflow\", \"entities\": {\"user_id\": []}}", 400, "has no values")]
    [InlineData("{\"model\": \"outflow\", \"entities\": {\"user_id\": [null]}}", 400, "user_id")]
    [InlineData("{\"model\": \"outflow\", \"entities\": {\"shop\": [\"u\"]}}", 400, "lack the join key user_id")]
    [InlineData("{\"model\": \"outflow\", \"entities\": {\"user_id\": [\"a\", \"b\", \"c\", \"d\"]}}", 413, "limit of 3")]
    [InlineData("{\"model\": \"outflow\", \"entities\": {\"user_id\": [\"u\"]}, \"request_id\": \"a b\"}", 400, "request id")]
    [InlineData("{\"model\": \"../../etc\", \"entities\": {\"user_id\": [\"u\"]}}", 404, "no live model")]
    [InlineData("[]", 422, "must be a JSON object")]
    public async Task Post_ThatCannotBeAnswered_IsToldAsTheOtherEndpointsTellIt(string request, int status, string text)
    {
        await using var bank = await ScoredBank.StartAsync(new RetrievalLimits(EntityRowsMax: 3), ("xgb-native-nan", MissingPolicy.NaN));
        var answer = await bank.PostAsync(request);
        Assert.Equal(status, (int)answer.Status);
        Assert.Contains(text, answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Score_StoredValueIsOfAnotherType_IsDataLoss()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        bank.Store.Rows.Values.Single().Values["total_amount_l1w"] = ValueBytes.Text("much");
        var fault = await Assert.ThrowsAsync<RpcException>(() => bank.ScoreAsync(["u"]));
        Assert.Equal(StatusCode.DataLoss, fault.StatusCode);
        Assert.DoesNotContain("much", fault.Status.Detail, StringComparison.Ordinal);
    }
}
