using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Http;

/// <summary>Answers in the forms of Feast's HTTP server.</summary>
public static class HttpAnswers
{
    private const string Json = "application/json";

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Feast's error object as a JSON string that holds JSON, which its clients turn back into the exception.</summary>
    internal static Task FaultAsync(HttpContext context, int status, string feastClass, string message) => WriteAsync(context, status, writer =>
        writer.WriteStringValue(Text(inner =>
        {
            inner.WriteStartObject();
            inner.WriteString("module", "feast.errors");
            inner.WriteString("class", feastClass);
            inner.WriteString("message", message);
            inner.WriteEndObject();
        })));

    /// <summary>What the web framework under Feast answers for paths and methods that are not there.</summary>
    internal static Task DetailAsync(HttpContext context, int status, string detail) => WriteAsync(context, status, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("detail", detail);
        writer.WriteEndObject();
    });

    /// <summary>Feast's answer to a body of the wrong form. What was sent is not sent back.</summary>
    internal static Task BodyFaultAsync(HttpContext context, HttpBodyException fault) => WriteAsync(context, StatusCodes.Status422UnprocessableEntity, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("detail");
        writer.WriteStartObject();
        writer.WriteString("type", fault.Kind);
        writer.WriteStartArray("loc");
        foreach (var part in fault.Location)
        {
            if (part is string name)
            {
                writer.WriteStringValue(name);
            }
            else
            {
                writer.WriteNumberValue(Convert.ToInt64(part, System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        writer.WriteEndArray();
        writer.WriteString("msg", fault.Message);
        writer.WriteNull("input");
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>The JSON <c>null</c> that Feast answers to a write.</summary>
    internal static Task NullAsync(HttpContext context) => WriteAsync(context, StatusCodes.Status200OK, writer => writer.WriteNullValue());

    /// <summary>Writes a whole body in one go, so that a fault on the way leaves nothing half sent.</summary>
    public static async Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body, WriterOptions))
        {
            write(writer);
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = Json;
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    private static string Text(Action<Utf8JsonWriter> write)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text, WriterOptions))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
