using System.IO.Compression;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;

namespace FeatureStore.Ingest.Tests.Import;

public sealed class BerkaCustomersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("customers").FullName;

    private static string Berka => Path.Combine(AppContext.BaseDirectory, "berka");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Counts and values below: an independent count in Python over the same files.
    [Fact]
    public void Read_TheRealFiles_EqualTheIndependentCount()
    {
        var rows = Rows(Berka);
        Assert.Equal(4_500, rows.Length);
        Assert.Equal(4_500, rows.Select(r => r[0]).Distinct().Count());
        Assert.Equal(183_211, rows.Sum(r => (int)r[1]!));
        Assert.Equal(2_208, rows.Count(r => (string?)r[2] == "F"));
        Assert.Equal(2_292, rows.Count(r => (string?)r[2] == "M"));
        Assert.Equal(547, rows.Count(r => (string?)r[3] == "Hl.m. Praha"));
        Assert.Equal(["576", 56, "F", "Ostrava - mesto", null, new DateOnly(1993, 1, 1)], rows[0]);
        Assert.All(rows, r => Assert.Null(r[4]));
    }

    [Fact]
    public void Run_TwiceWithTheTransactionsShift_MovesDaysAndDoublesNothing()
    {
        using var log = EmbeddedChangeLog.Open(Path.Combine(_folder, "log.db"));
        var importer = new Importer(log, TimeProvider.System);
        for (var run = 0; run < 2; run++)
        {
            var result = importer.Run(ImportMapping.BerkaCustomers, Berka, KnownAt.Event, ImportShift.Weeks(1_700), CancellationToken.None);
            Assert.Equal(run == 0 ? (4_500, 0) : (0, 4_500), (result.Appended, result.AlreadyThere));
        }

        Assert.Equal(4_500, log.NextOffset(log.Topic(ImportTable.Customers.Topic)));
    }

    [Theory]
    [InlineData("client", "1;\"706213\";18", "1;\"701313\";18", "birth_number")]
    [InlineData("client", "1;\"706213\";18", "1;\"7062\";18", "birth_number")]
    [InlineData("client", "1;\"706213\";18", "1;\"706213\";99", "district_id")]
    [InlineData("disp", "1;1;1;\"OWNER\"", "1;999999;1;\"OWNER\"", "client_id")]
    [InlineData("disp", "3;3;2;\"DISPONENT\"", "3;3;2;\"OWNER\"", "account_id")]
    [InlineData("account", "576;55;\"POPLATEK MESICNE\";930101", "99999;55;\"POPLATEK MESICNE\";930101", "account_id")]
    public void Read_DamagedRelation_NamesFileLineAndColumn(string file, string line, string damaged, string column)
    {
        foreach (var source in BerkaCustomers.Files(Berka))
        {
            using var text = new StreamReader(new GZipStream(File.OpenRead(source), CompressionMode.Decompress));
            var plain = Path.Combine(_folder, Path.GetFileNameWithoutExtension(source));
            var content = text.ReadToEnd();
            Assert.True(!source.Contains(file, StringComparison.Ordinal) || content.Contains(line, StringComparison.Ordinal), "The line to damage is not there.");
            File.WriteAllText(plain, source.Contains(file, StringComparison.Ordinal) ? content.Replace(line, damaged, StringComparison.Ordinal) : content);
        }

        var error = Assert.Throws<ImportException>(() => Rows(_folder)).Message;
        Assert.Contains($"{file}.csv, line ", error, StringComparison.Ordinal);
        Assert.Contains($"'{column}'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_NotTheWholeFolder_AreRefused()
    {
        Assert.Contains("folder", Assert.Throws<ImportException>(() => BerkaCustomers.Files(Path.Combine(Berka, "disp.csv.gz"))).Message, StringComparison.Ordinal);
        Assert.Contains("account.csv", Assert.Throws<ImportException>(() => BerkaCustomers.Files(_folder)).Message, StringComparison.Ordinal);
    }

    private static object?[][] Rows(string folder) => BerkaCustomers.Read(BerkaCustomers.Files(folder)).ToArray();
}
