using System.Net.Sockets;

namespace FeatureStore.Tests.Servers;

/// <summary>How a server is started, by a test or to stay.</summary>
/// <param name="Name">The program's name on the PATH.</param>
/// <param name="Folder">Where it runs, and keeps what it writes.</param>
/// <param name="IsReady">Asked again and again; may throw <see cref="SocketException"/> or <see cref="IOException"/> while not ready.</param>
public sealed record ServerCommand(string Name, IReadOnlyList<string> Arguments, string Folder, Func<CancellationToken, Task<bool>> IsReady);
