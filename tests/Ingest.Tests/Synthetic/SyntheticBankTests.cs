using FeatureStore.Generator;

namespace FeatureStore.Ingest.Tests.Synthetic;

public sealed class SyntheticBankTests
{
    private const long MicrosPerHour = 3_600_000_000;
    private const long MicrosPerDay = 24 * MicrosPerHour;
    private static readonly SyntheticOptions Options = new(Users: 500, Days: 56, Seed: 7, FirstDay: new DateOnly(2026, 9, 1));

    private static TransactionChange[] Changes { get; } = new SyntheticBank(Options).Changes().ToArray();

    [Fact]
    public void Changes_SameOptions_AreTheSameRows()
    {
        Assert.Equal(Changes, new SyntheticBank(Options).Changes());
        Assert.Equal(new SyntheticBank(Options).Customers(), new SyntheticBank(Options).Customers());
    }

    [Fact]
    public void Changes_OtherSeed_AreOtherRows() =>
        Assert.NotEqual(Changes.Take(20), new SyntheticBank(Options with { Seed = 8 }).Changes().Take(20));

    // A literal, so that a change of the sequence is seen even where all runs agree with each other.
    [Fact]
    public void Changes_FirstOfASeed_IsThisOne() =>
        Assert.Equal(
            new TransactionChange(
                ChangeKind.Create, 1_788_222_329_652_230, new TransactionRow("u0000442", "t00000-00000145", 36.98, "v004", "card", 1_788_222_328_864_821)),
            Changes[0]);

    [Fact]
    public void Changes_FewerDays_AreTheBeginning()
    {
        var few = new SyntheticBank(Options with { Days = 20 }).Changes().ToArray();
        Assert.Equal(Changes[..few.Length], few);
        Assert.True(few[^1].CommitMicros < Changes[few.Length].CommitMicros);
    }

    [Fact]
    public void Changes_InOrder_TellAStoryThatADatabaseCouldHave()
    {
        var rows = new Dictionary<string, TransactionRow>();
        var gone = new HashSet<string>();
        var last = 0L;
        foreach (var change in Changes)
        {
            Assert.True(change.CommitMicros >= last, $"{change} comes after a later commit");
            Assert.True(change.CommitMicros >= change.Row.TimeMicros, $"{change} is committed before it happened");
            last = change.CommitMicros;
            var id = change.Row.TransactionId;
            Assert.DoesNotContain(id, gone);
            switch (change.Kind)
            {
                case ChangeKind.Create:
                    Assert.True(rows.TryAdd(id, change.Row), $"{change} is created twice");
                    break;
                case ChangeKind.Update:
                    Assert.Equal(rows[id].UserId, change.Row.UserId);
                    rows[id] = change.Row;
                    break;
                default:
                    Assert.Equal(rows[id], change.Row);
                    rows.Remove(id);
                    gone.Add(id);
                    break;
            }
        }
    }

    [Fact]
    public void Changes_Shares_AreNearWhatIsAsked()
    {
        var creates = Changes.Where(c => c.Kind == ChangeKind.Create).ToArray();
        Assert.InRange(creates.Length, 500 * 56 * 0.6 * 0.95, 500 * 56 * 0.6 * 1.05);
        Assert.InRange(creates.Count(c => c.CommitMicros - c.Row.TimeMicros >= MicrosPerHour) / (double)creates.Length, 0.013, 0.027);
        Assert.InRange(Changes.Count(c => c.Kind == ChangeKind.Update) / (double)creates.Length, 0.005, 0.015);
        Assert.InRange(Changes.Count(c => c.Kind == ChangeKind.Delete) / (double)creates.Length, 0.002, 0.008);
    }

    [Fact]
    public void Changes_Amounts_AreLogNormalCents()
    {
        var amounts = Changes.Select(c => c.Row.Amount).Order().ToArray();
        Assert.All(amounts, a => Assert.True(a > 0 && a == Math.Round(a, 2)));
        Assert.InRange(amounts[amounts.Length / 2], 28, 32);
        Assert.InRange(amounts.Average() / amounts[amounts.Length / 2], 1.6, 2.1);
    }

    [Fact]
    public void Changes_UsersAndHours_HaveTheirRhythm()
    {
        var creates = Changes.Where(c => c.Kind == ChangeKind.Create).Select(c => c.Row).ToArray();
        var perUser = creates.CountBy(r => r.UserId).Select(u => u.Value).OrderDescending().ToArray();
        Assert.True(perUser[0] > 10 * perUser[perUser.Length / 2], $"{perUser[0]} for the first, {perUser[perUser.Length / 2]} in the middle");
        Assert.True(creates.Count(r => Hour(r) == 18) > 10 * creates.Count(r => Hour(r) == 3));
        Assert.True(creates.Count(r => Day(r) == DayOfWeek.Saturday) > 1.3 * creates.Count(r => Day(r) == DayOfWeek.Sunday));

        static long Hour(TransactionRow row) => row.TimeMicros % MicrosPerDay / MicrosPerHour;

        static DayOfWeek Day(TransactionRow row) => DateTime.UnixEpoch.AddMicroseconds(row.TimeMicros).DayOfWeek;
    }

    [Fact]
    public void Customers_OfEveryTransaction_AreThere()
    {
        var customers = new SyntheticBank(Options).Customers().ToDictionary(c => c.UserId);
        Assert.Equal(Options.Users, customers.Count);
        Assert.All(customers.Values, c => Assert.InRange(c.Age, 18, 87));
        Assert.All(Changes, c => Assert.True(customers.ContainsKey(c.Row.UserId)));
    }

    [Fact]
    public void Changes_FirstRowsOfMany_ComeWithoutMakingAllDays()
    {
        var bank = new SyntheticBank(Options with { Days = 1_000_000 });
        Assert.Equal(Changes.Take(100), bank.Changes().Take(100));
    }

    [Theory]
    [InlineData(0, 1, 0.1)]
    [InlineData(1, 0, 0.1)]
    [InlineData(1, 1, -0.1)]
    [InlineData(1, 1, double.NaN)]
    [InlineData(1, int.MaxValue, 0.1)]
    public void Bank_OptionOutsideItsRange_IsRefused(int users, int days, double lateShare) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SyntheticBank(Options with { Users = users, Days = days, LateShare = lateShare }));
}
