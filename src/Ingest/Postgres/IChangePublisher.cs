using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Postgres;

/// <summary>Is given the events of a capture, in order, before they are landed. After a kill it gets those again that were not landed.</summary>
public interface IChangePublisher
{
    /// <summary>Takes an event; it need not be durable yet.</summary>
    void Publish(PostgresTable table, LogMessage message);

    /// <summary>Makes what was taken durable. Comes from another thread than the events, which go on meanwhile.</summary>
    void Flush();
}
