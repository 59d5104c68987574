using System.CommandLine;
using FeatureStore.Cli;
using FeatureStore.Cli.Verbs;

var root = new RootCommand("A Feast-compatible feature store. Start with: fstore demo")
{
    DemoVerb.Create(),
    InitVerb.Create(),
    PlanVerb.Create(),
    ApplyVerb.Create(),
    TeardownVerb.Create(),
    RegistryDumpVerb.Create(),
    ImportVerb.Create(),
    GenerateVerb.Create(),
    IngestVerb.Create(),
    CaptureVerb.Create(),
    ConnectorVerb.Create(),
    FeaturesVerb.Create(),
    MaterializeVerb.Create(),
    MaterializeVerb.CreateIncremental(),
    RebuildVerb.Create(),
    VerifyVerb.Create(),
    ExplainVerb.Create(),
    RunsVerb.Create(),
    SchedulerVerb.Create(),
    BackfillVerb.Create(),
    LakeVerb.Create(),
    ServeVerb.Create(),
    GetOnlineFeaturesVerb.Create(),
    GetHistoricalFeaturesVerb.Create(),
    DatasetsVerb.Create(),
    ModelsVerb.Create(),
    TrainVerb.Create(),
    ScoreVerb.Create(),
    ReceiptsVerb.Create(),
    GlobalOptions.Folder,
    GlobalOptions.Yaml,
    GlobalOptions.Json,
    GlobalOptions.Verbose,
};
foreach (var command in RegistryObjectsVerb.CreateAll())
{
    root.Add(command);
}

var parsed = root.Parse(args);
try
{
    // A server that is told to stop first ends the requests that run, which takes longer than the library's two seconds.
    var code = await parsed.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(15) });
    return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
}
catch (OperationCanceledException)
{
    return ExitCodes.Outside;
}
catch (Exception e)
{
    return Failures.Report(e, parsed.GetValue(GlobalOptions.Verbose));
}
