using FeatureStore.Tests.Dev;

// 'fstore dev': the launcher at the root builds and runs this. Exit codes are those of fstore: 0, 1 no, 2 usage, 3 something outside.
const int Ok = 0, No = 1, Usage = 2, Outside = 3;
if (args is not [var root, var verb])
{
    Console.Error.WriteLine("Say what to do: fstore dev up, fstore dev down, or fstore dev status.");
    return Usage;
}

var servers = new DevServers(root);
try
{
    switch (verb)
    {
        case "up":
            DevServers.Need();
            using (Alone(root))
            {
                foreach (var server in servers.All)
                {
                    var isNew = await server.UpAsync();
                    Tell(server, isNew ? "started" : "runs already");
                }

                await servers.PrepareAsync();
                await servers.WriteEnvironmentAsync();
                Console.WriteLine($"Settings for fstore: source {Path.GetRelativePath(Directory.GetCurrentDirectory(), servers.EnvironmentFile)}");
            }

            return Ok;
        case "down":
            using (Alone(root))
            {
                foreach (var server in servers.All.Reverse())
                {
                    await server.DownAsync();
                }
            }

            Console.WriteLine($"All are down; their data stay in {root}.");
            return Ok;
        case "status":
            foreach (var server in servers.All)
            {
                Tell(server, server.Pid is null ? "down" : "runs");
            }

            return servers.All.All(s => s.Pid is not null) ? Ok : No;
        default:
            Console.Error.WriteLine($"'{verb}' is not known: fstore dev up, fstore dev down, or fstore dev status.");
            return Usage;
    }
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException or TimeoutException or Xunit.SkipException)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return Outside;
}

static void Tell(DevServer server, string state) =>
    Console.WriteLine($"{server.Name,-15} port {server.Port?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-",-6} pid {server.Pid?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-",-8} {state}");

// Two at once would start a server twice. The system lets go of the lock when the process is gone, however that came.
static FileStream Alone(string root)
{
    Directory.CreateDirectory(root);
    return new FileStream(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
}
