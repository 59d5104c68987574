namespace FeatureStore.Cli;

/// <summary>Exit codes of every verb.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The question was understood, and the answer is no.</summary>
    public const int No = 1;

    /// <summary>The command line cannot mean anything.</summary>
    public const int Usage = 2;

    /// <summary>A file, a server or the disk failed.</summary>
    public const int Outside = 3;
}
