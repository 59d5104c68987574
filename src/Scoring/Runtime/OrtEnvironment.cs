using Microsoft.ML.OnnxRuntime;

namespace FeatureStore.Scoring.Runtime;

/// <summary>The library's one environment of the process, and how sessions are made in it.</summary>
internal static class OrtEnvironment
{
    /// <summary>Bytes of all tensors of all runs at once: a file of a few bytes may ask for a block of any size.</summary>
    private const uint ArenaBytesMax = 1u << 30;

    private static readonly Lock Gate = new();
    private static bool _ready;

    /// <summary>Creates the environment, quiet and with its memory bounded, unless something else in the process has made it already. It lives until the process ends.</summary>
    public static void Ensure()
    {
        lock (Gate)
        {
            if (_ready)
            {
                return;
            }

            if (!OrtEnv.IsCreated)
            {
                var options = new EnvironmentCreationOptions { logId = "fstore", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
                OrtEnv.CreateInstanceWithOptions(ref options);
            }

            const int LibraryDefault = -1;
            using var memory = new OrtMemoryInfo("Cpu", OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
            using var arena = new OrtArenaCfg(ArenaBytesMax, LibraryDefault, LibraryDefault, LibraryDefault);
            OrtEnv.Instance().CreateAndRegisterAllocator(memory, arena);
            _ready = true;
        }
    }

    public static SessionOptions SessionOptions()
    {
        var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        options.AddSessionConfigEntry("session.use_env_allocators", "1");
        return options;
    }
}
