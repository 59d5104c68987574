using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>A run of a flow as the history has it.</summary>
/// <param name="Cause"><c>schedule</c>, <c>trigger</c> or <c>backfill</c>.</param>
/// <param name="Backfill">The backfill that ran it last.</param>
public sealed record FlowRun(
    long Id, string Flow, DateTimeOffset Logical, DataInterval Interval, RunState State, long Fence, string Cause, long? Backfill, DateTimeOffset Started, DateTimeOffset? Ended);

/// <summary>One try of a step.</summary>
/// <param name="RetryAt">When a failed one may be tried again; null when it may not.</param>
/// <param name="Note">What it did, or why it failed.</param>
public sealed record StepAttempt(
    string Step, int Attempt, RunState State, DateTimeOffset Started, DateTimeOffset? Ended, DateTimeOffset? RetryAt, string? Note);
