using FeatureStore.Tests.Faults;

/// <summary>
/// Loaded into a process by <c>DOTNET_STARTUP_HOOKS</c>, before its own first line; the runtime asks for a class of this name without a namespace.
/// Ends the process at the step that <c>FSTORE_FAULT</c> names, as <c>kill -9</c> does.
/// </summary>
internal static class StartupHook
{
    private static FaultListener? _listener;

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable("FSTORE_FAULT") is { Length: > 0 } fault)
        {
            _listener = new FaultListener(fault);
        }
    }
}
