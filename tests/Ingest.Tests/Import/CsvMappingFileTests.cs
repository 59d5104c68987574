using System.IO.Compression;
using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Ingest.Tests.Import;

public sealed class CsvMappingFileTests : IDisposable
{
    private const string Good = "columns:\n  transaction_id: id\n";
    private readonly string _folder = Directory.CreateTempSubdirectory("mapping").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_TheExampleOfTransactions_ReadsAFileByIt(bool gzip)
    {
        var text = "id,customer,amount_eur,shop,booked_at,more\nt1,u1,2.5,s1,1970-01-01 00:01:00,x\nt2,,,,,\n";
        var rows = Import(ImportTable.Transactions, Example("transactions"), text, gzip);
        Assert.Equal(["u1", "t1", 2.5, "s1", "card", 60_000_000L], rows[0].Values);
        Assert.Equal([null, "t2", null, null, "card", null], rows[1].Values);
    }

    [Fact]
    public void Load_TheExampleOfCustomers_ReadsAFileByIt()
    {
        var rows = Import(ImportTable.Customers, Example("customers"), "id;age;sex;town;since\nu1;30;F;Brno;02.01.1970\n", gzip: false);
        Assert.Equal(["u1", 30, "F", "Brno", null, new DateOnly(1970, 1, 2)], Assert.Single(rows).Values);
        Assert.Equal(86_400_000_000L, rows[0].CommitTimeMicros);
    }

    [Theory]
    [InlineData("columns: [\n", 2, "not YAML")]
    [InlineData("delimiter: ';'\n", 1, "'columns'")]
    [InlineData("delimiter: '::'\n" + Good, 1, "one character")]
    [InlineData("delimeter: ';'\n" + Good, 1, "'delimeter'")]
    [InlineData(Good + "  colour: c\n", 3, "'colour' is no column of transactions")]
    [InlineData(Good + "  amount: {sauce: c}\n", 3, "'source'")]
    [InlineData(Good + "  amount: {source: c, constant: 1}\n", 3, "either")]
    [InlineData(Good + "  amount: {constant: much}\n", 3, "'much'")]
    [InlineData(Good + "  amount:\n", 3, "'amount'")]
    [InlineData(Good + "  time: {source: c, time_format: \"%\"}\n", 3, "time_format")]
    [InlineData(Good + "  amount: {source: c, time_format: yyyy}\n", 3, "only for a time")]
    [InlineData("columns:\n  user_id: id\n", 1, "'transaction_id'")]
    [InlineData("columns:\n  transaction_id: {constant: x}\n", 1, "'transaction_id'")]
    public void Load_WrongFile_NamesFileLineAndWayOut(string yaml, int line, string expected)
    {
        var path = Path.Combine(_folder, "m.yaml");
        File.WriteAllText(path, yaml);
        var error = Assert.Throws<DefinitionException>(() => CsvMappingFile.Load(ImportTable.Transactions, path));
        Assert.Contains(error.Faults, f => f.File == path && f.Line == line && f.Column > 0 && f.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Load_MissingFile_IsNamed() => Assert.Contains(
        "absent.yaml", Assert.Throws<DefinitionException>(() => CsvMappingFile.Load(ImportTable.Transactions, Path.Combine(_folder, "absent.yaml"))).Message, StringComparison.Ordinal);

    private static string Example(string name) => Path.Combine(AppContext.BaseDirectory, "mappings", $"{name}.yaml");

    private List<ChangeRow> Import(ImportTable table, string mapping, string text, bool gzip)
    {
        var path = Path.Combine(_folder, gzip ? "in.csv.gz" : "in.csv");
        using (var file = File.Create(path))
        using (Stream target = gzip ? new GZipStream(file, CompressionLevel.Fastest) : file)
        {
            target.Write(Encoding.UTF8.GetBytes(text));
        }

        using var log = EmbeddedChangeLog.Open(Path.Combine(_folder, "log.db"));
        new Importer(log, TimeProvider.System).Run(CsvMappingFile.Load(table, mapping), path, KnownAt.Event, ImportShift.None, CancellationToken.None);
        var reader = new EnvelopeReader(table.Columns);
        return [.. log.Read(log.Topic(table.Topic), 0, 100).Select(m => reader.Read(m.Message).Row!)];
    }
}
