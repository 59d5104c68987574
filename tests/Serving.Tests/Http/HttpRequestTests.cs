using System.Net;
using System.Text.Json;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Serving.Tests.Http;

public sealed class HttpRequestTests : IAsyncLifetime
{
    private const string Path = "/get-online-features";
    private ServedBank _bank = null!;

    public async Task InitializeAsync()
    {
        _bank = await ServedBank.StartAsync(new RetrievalLimits(EntityRowsMax: 5, FeaturesMax: 3, CellsMax: 8, MessageBytesMax: 4_096));
        _bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Double(double.NaN), ValueBytes.Null);
        _bank.Put("accounts", [("user_id", ServedBank.Text("u1")), ("account_id", new Feast.Types.Value { Int64Val = 1001 })], ValueBytes.Double(7));
        _bank.Put("rates", [("__dummy_id", ServedBank.Text(""))], ValueBytes.Double(4.5));
    }

    public async Task DisposeAsync() => await _bank.DisposeAsync();

    [Theory]
    [InlineData(
        """{"feature_service":"fraud_v1","features":["no:pe"],"entities":{"user_id":["u1"]},"other":1}""",
        """{"results":[{"values":["u1"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":[3],"statuses":["PRESENT"],"event_timestamps":["2026-11-23T00:00:00Z"]},{"values":["NaN"],"statuses":["PRESENT"],"event_timestamps":["2026-11-23T00:00:00Z"]}],"metadata":{"feature_names":["user_id","count","average"]}}""")]
    [InlineData(
        """{"features":["accounts:balance"],"entities":{"zzz":[1],"account_id":["1001"],"user":["u1"],"shop":["s"]}}""",
        """{"results":[{"values":[1001],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":["u1"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":["s"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":[7.0],"statuses":["PRESENT"],"event_timestamps":["2026-11-23T00:00:00Z"]}],"metadata":{"feature_names":["account_id","user_id","shop_id","balance"]}}""")]
    [InlineData(
        """{"features":["rates:rate"],"entities":{"__dummy_id":[""]},"full_feature_names":true,"include_feature_view_version_metadata":true}""",
        """{"results":[{"values":[4.5],"statuses":["PRESENT"],"event_timestamps":["2026-11-23T00:00:00Z"]}],"metadata":{"feature_names":["rates__rate"],"feature_view_metadata":[{"name":"rates"}]}}""")]
    public async Task Post_GoodRequest_IsAnsweredAsFeastDoes(string body, string expected) =>
        Assert.Equal((HttpStatusCode.OK, expected), await _bank.PostAsync(Path, body));

    [Theory]
    [InlineData(404, "FeatureViewNotFoundException", "nope:x", """{"features":["nope:x"],"entities":{"user_id":["u1"]}}""")]
    [InlineData(404, "FeatureServiceNotFoundException", "nope", """{"feature_service":"nope","entities":{"user_id":["u1"]}}""")]
    [InlineData(404, "FeastObjectNotFoundException", "weekly:x", """{"features":["weekly:x"],"entities":{"user_id":["u1"]}}""")]
    [InlineData(400, "FeatureNameCollisionError", "count", """{"features":["weekly:count","weekly:count"],"entities":{"user_id":["u1"]}}""")]
    [InlineData(400, "FeastError", "view:feature", """{"features":["count"],"entities":{"user_id":["u1"]}}""")]
    [InlineData(400, "FeastError", "version", """{"features":["weekly@v2:count"],"entities":{"user_id":["u1"]}}""")]
    [InlineData(400, "FeastError", "No features", """{"entities":{"user_id":["u1"]}}""")]
    [InlineData(400, "FeastError", "no entities", """{"features":["weekly:count"],"entities":{}}""")]
    [InlineData(400, "FeastError", "no values", """{"features":["weekly:count"],"entities":{"user_id":[]}}""")]
    [InlineData(400, "FeastError", "join key user_id", """{"features":["weekly:count"],"entities":{"account_id":[1]}}""")]
    [InlineData(400, "FeastError", "number of values", """{"features":["weekly:count"],"entities":{"user_id":["u1","u2"],"zzz":[1]}}""")]
    [InlineData(400, "FeastError", "user_id", """{"features":["weekly:count"],"entities":{"user_id":[null]}}""")]
    [InlineData(400, "FeastError", "account_id", """{"features":["accounts:balance"],"entities":{"user_id":["u1"],"account_id":["x"]}}""")]
    [InlineData(400, "FeastError", "twice", """{"features":["weekly:count"],"entities":{"user_id":["u1"],"user":["u2"]}}""")]
    [InlineData(409, "FeastError", "hidden", """{"features":["hidden:count"],"entities":{"user_id":["u1"]}}""")]
    [InlineData(413, "FeastError", "limit of 5", """{"features":["nope:x"],"entities":{"user_id":["1","2","3","4","5","6"]}}""")]
    [InlineData(413, "FeastError", "limit of 3", """{"features":["a:a","b:b","c:c","d:d"],"entities":{"user_id":["1"]}}""")]
    [InlineData(413, "FeastError", "limit of 8", """{"features":["weekly:count","weekly:average","weekly:seen"],"entities":{"user_id":["1","2","3"]}}""")]
    public async Task Post_MistakeOfTheClient_IsFeastsErrorObjectInAString(int status, string feastClass, string text, string body)
    {
        var answer = await _bank.PostAsync(Path, body);
        Assert.Equal(status, (int)answer.Status);
        var error = JsonDocument.Parse(JsonDocument.Parse(answer.Body).RootElement.GetString()!).RootElement;
        Assert.Equal(("feast.errors", feastClass), (error.GetProperty("module").GetString(), error.GetProperty("class").GetString()));
        Assert.Contains(text, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("json_invalid", "{not json")]
    [InlineData("json_invalid", "")]
    [InlineData("json_invalid", """{"entities":{"user_id":["u1"],"user_id":["u2"]}}""")]
    [InlineData("model_attributes_type", "[]")]
    [InlineData("missing", """{"features":["weekly:count"]}""")]
    [InlineData("dict_type", """{"entities":[{"user_id":"u1"}]}""")]
    [InlineData("list_type", """{"entities":{"user_id":"u1"}}""")]
    [InlineData("list_type", """{"features":"weekly:count","entities":{"user_id":["u1"]}}""")]
    [InlineData("string_type", """{"features":[1],"entities":{"user_id":["u1"]}}""")]
    [InlineData("string_type", """{"feature_service":1,"entities":{"user_id":["u1"]}}""")]
    [InlineData("bool_type", """{"full_feature_names":"perhaps","entities":{"user_id":["u1"]}}""")]
    [InlineData("string_unicode", """{"features":["\ud800"],"entities":{"user_id":["u1"]}}""")]
    [InlineData("json_invalid", """{"features":["weekly:count"],"entities":{"\ud800":["u1"]}}""")]
    public async Task Post_BodyOfTheWrongForm_Is422WithItsPlace(string kind, string body)
    {
        var (status, text) = await _bank.PostAsync(Path, body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        var detail = JsonDocument.Parse(text).RootElement.GetProperty("detail")[0];
        Assert.Equal((kind, "body"), (detail.GetProperty("type").GetString(), detail.GetProperty("loc")[0].GetString()));
    }

    [Fact]
    public async Task Post_NestedTooDeepOrTooLarge_IsRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 200)) + string.Concat(Enumerable.Repeat("]", 200));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await _bank.PostAsync(Path, "{\"entities\":{\"user_id\":" + deep + "}}")).Status);
        var large = await _bank.PostAsync(Path, "{\"entities\":{\"user_id\":[\"" + new string('x', 5_000) + "\"]}}");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.Status);
        Assert.Contains("4096", large.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/health", 200, "")]
    [InlineData("GET", "/nope", 404, """{"detail":"Not Found"}""")]
    [InlineData("GET", Path, 405, """{"detail":"Method Not Allowed"}""")]
    [InlineData("POST", "/health", 405, """{"detail":"Method Not Allowed"}""")]
    public async Task Ask_OtherPathsAndMethods_GetFeastsCodes(string method, string path, int status, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await _bank.Http.SendAsync(request);
        Assert.Equal((status, body), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }
}
