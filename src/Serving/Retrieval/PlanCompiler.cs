using FeatureStore.Contract.Keys;
using FeatureStore.Contract.References;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureViewState = Feast.Core.FeatureViewState;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Compiles feature services and references into plans; every fault of a request's features is found here.</summary>
public sealed class PlanCompiler(RegistrySnapshot snapshot, StatusPolicy policy)
{
    private static readonly IReadOnlyDictionary<string, string> NoMap = new Dictionary<string, string>();

    /// <summary>Plans a feature service.</summary>
    /// <exception cref="RetrievalException">There is no such service, or one of its views is not served.</exception>
    public RetrievalPlan Service(string name)
    {
        if (!snapshot.FeatureServices.TryGetValue(name, out var service))
        {
            throw new RetrievalException(
                RetrievalFault.ServiceNotFound,
                $"There is no feature service '{name}'; there are: {string.Join(", ", snapshot.FeatureServices.Keys.Order(StringComparer.Ordinal))}.");
        }

        // Truthful statuses come from the views. A service with an on-demand view has no vectors, in Feast neither.
        var fromVectors = service.PrecomputeOnline && !policy.IsTruthful && service.Projections.All(p => snapshot.FeatureViews.ContainsKey(p.ViewName));
        return Plan([.. service.Projections.Select(Checked)], fromVectors ? name : null);
    }

    /// <summary>Plans references; views stand in the order of their first mention.</summary>
    /// <exception cref="RetrievalException">A reference is malformed or unknown; all of them are listed.</exception>
    public RetrievalPlan References(IReadOnlyList<string> references)
    {
        if (references.Count == 0)
        {
            throw new RetrievalException(RetrievalFault.Invalid, "No features are asked for; name a feature service or at least one view:feature.");
        }

        var wanted = new Dictionary<(string View, int? Version), List<string>>();
        var faults = new List<(RetrievalFault Fault, string Text)>();
        foreach (var text in references)
        {
            if (Fault(text, out var reference) is { } fault)
            {
                faults.Add(fault);
            }
            else if (!wanted.TryAdd((reference!.View, reference.Version), [reference.Feature]))
            {
                wanted[(reference.View, reference.Version)].Add(reference.Feature);
            }
        }

        return faults.Count == 0
            ? Plan([.. wanted.Select(w => new ProjectionModel(w.Key.View, w.Key.View, w.Value, NoMap) { VersionTag = w.Key.Version })])
            : throw Joined(faults);
    }

    private static RetrievalException Joined(List<(RetrievalFault Fault, string Text)> faults)
    {
        // What a function would have to make is there, and yet cannot be had; to search the registry would not help.
        var onDemand = faults.Where(f => f.Fault == RetrievalFault.NotServed).Select(f => f.Text).Distinct().ToArray();
        if (onDemand.Length > 0)
        {
            return new RetrievalException(RetrievalFault.NotServed, string.Join(" ", onDemand));
        }

        var malformed = faults.Where(f => f.Fault == RetrievalFault.Invalid).Select(f => f.Text).ToArray();
        if (malformed.Length > 0)
        {
            return new RetrievalException(RetrievalFault.Invalid, string.Join(" ", malformed));
        }

        // Not to know the view is the larger fault: it names the answer when both occur.
        var fault = faults.Exists(f => f.Fault == RetrievalFault.ViewNotFound) ? RetrievalFault.ViewNotFound : RetrievalFault.FeatureNotFound;
        return new RetrievalException(
            fault, $"The registry does not have {string.Join(", ", faults.Select(f => f.Text))}; run 'fstore apply', or correct the name.");
    }

    // An on-demand view that Feast writes to the store is read as it lies there, as Feast reads it.
    private FeatureViewModel? Stored(string name, int? version)
    {
        var active = snapshot.FeatureViews.GetValueOrDefault(name);
        return version is { } number && active?.VersionNumber != number
            ? snapshot.FeatureViewVersions.GetValueOrDefault((name, number))
            : active ?? snapshot.OnDemandFeatureViews.GetValueOrDefault(name)?.Stored;
    }

    private (RetrievalFault Fault, string Text)? Fault(string text, out FeatureReference? reference)
    {
        if (!FeatureReference.TryParse(text, out reference, out var error))
        {
            return (RetrievalFault.Invalid, error);
        }

        if (reference.Version is not null && snapshot.FeatureViews.TryGetValue(reference.View, out var named) && !named.VersionedOnline)
        {
            return (RetrievalFault.Invalid, $"'{text}' asks for a version, and view versions are not enabled; set enable_online_feature_view_versioning of the registry, or ask for {reference.View}:{reference.Feature}.");
        }

        if (Stored(reference.View, reference.Version) is not { } view)
        {
            if (reference.Version is null && snapshot.OnDemandFeatureViews.GetValueOrDefault(reference.View)?.Expressions is { } made)
            {
                var wanted = reference.Feature;
                return made.Features.Any(f => f.Field.Name == wanted) ? null : (RetrievalFault.FeatureNotFound, text);
            }

            return snapshot.OnDemandFeatureViews.TryGetValue(reference.View, out var onDemand)
                ? (RetrievalFault.NotServed, onDemand.Reason)
                : (RetrievalFault.ViewNotFound, text);
        }

        foreach (var feature in view.Features)
        {
            if (feature.Name == reference.Feature)
            {
                return null;
            }
        }

        return (RetrievalFault.FeatureNotFound, text);
    }

    private ProjectionModel Checked(ProjectionModel projection)
    {
        if (OnDemandPlanner.Model(snapshot, projection) is { } made)
        {
            return Checked(projection, made.Features.Select(f => f.Field));
        }

        if (Stored(projection.ViewName, projection.VersionTag) is not { } view)
        {
            throw snapshot.OnDemandFeatureViews.TryGetValue(projection.ViewName, out var onDemand)
                ? new RetrievalException(RetrievalFault.NotServed, onDemand.Reason)
                : new RetrievalException(
                    RetrievalFault.ViewNotFound, $"The feature view '{NameToUse(projection with { NameToUse = projection.ViewName })}' is not in the registry, or its versions are not enabled; run 'fstore apply', or ask for the others by reference.");
        }

        return Checked(projection, view.Features);
    }

    private static ProjectionModel Checked(ProjectionModel projection, IEnumerable<FieldModel> features)
    {
        var unknown = projection.Features.Except(features.Select(f => f.Name)).ToArray();
        return unknown.Length == 0
            ? projection
            : throw new RetrievalException(
                RetrievalFault.FeatureNotFound, $"The feature view '{projection.ViewName}' no longer has {string.Join(", ", unknown)}; run 'fstore apply' to renew the service.");
    }

    private RetrievalPlan Plan(IReadOnlyList<ProjectionModel> projections, string? vectorsOf = null)
    {
        var requestColumns = KnownColumns();
        var groups = new List<(string[] JoinKeys, string[] RequestNames, List<OnlineTable> Tables)>();
        var features = new List<PlannedFeature>();
        var planner = new OnDemandPlanner(snapshot, projections);
        foreach (var field in planner.RequestFields())
        {
            requestColumns[field.Name] = new RequestColumn(field.Name, field.Type, IsHidden: true) { IsRequestData = true };
        }

        ProjectionModel[] reads = [.. planner.Stored, .. planner.Hidden()];
        foreach (var projection in reads)
        {
            var view = Stored(projection.ViewName, projection.VersionTag)!;
            CheckServed(view);
            string[] joinKeys = view.JoinKeys.Count == 0 ? [RetrievalPlan.DummyKey] : [.. view.JoinKeys.Select(k => k.Name)];
            var requestNames = Array.ConvertAll(joinKeys, k => projection.JoinKeyMap.GetValueOrDefault(k, k));
            for (var k = 0; k < view.JoinKeys.Count; k++)
            {
                requestColumns[requestNames[k]] = new RequestColumn(requestNames[k], view.JoinKeys[k].Type, requestNames[k] == RetrievalPlan.DummyKey);
            }

            // The view's own join keys take part: an alias may bring another view the same request name under another stored key.
            var group = groups.FindIndex(g => g.JoinKeys.AsSpan().SequenceEqual(joinKeys) && g.RequestNames.AsSpan().SequenceEqual(requestNames));
            if (group < 0)
            {
                group = groups.Count;
                groups.Add((joinKeys, requestNames, []));
            }

            var ttl = view.Ttl <= TimeSpan.Zero || view.Ttl == TimeSpan.MaxValue ? -1 : view.Ttl.Ticks / TimeSpan.TicksPerMillisecond;
            features.AddRange(projection.Features.Select((f, i) => new PlannedFeature(
                view, f, $"{NameToUse(projection)}__{f}", group, groups[group].Tables.Count, i, ttl)));
            groups[group].Tables.Add(new OnlineTable(snapshot.Project, view.OnlineName, projection.Features));
        }

        var answered = planner.Stored.Sum(p => p.Features.Count);
        return new RetrievalPlan(
            snapshot,
            [.. groups.Select(g => new PlannedGroup(g.Tables, g.JoinKeys, g.RequestNames, new EntityKeyTemplate(g.JoinKeys, snapshot.EntityKeyVersion)))],
            [.. features.Take(answered)],
            requestColumns,
            [.. features.Skip(answered)],
            planner.Plan(reads))
        {
            RequestFields = [.. planner.RequestFields().Select(f => f.Name)],
            Precomputed = vectorsOf is null
                ? null
                : new PrecomputedService(snapshot.Project, vectorsOf, features, [.. projections.SelectMany(p => p.Features.Select(_ => NameToUse(p)))]),
        };
    }

    private static string NameToUse(ProjectionModel projection) =>
        projection.VersionTag is { } version ? $"{projection.NameToUse}@v{version}" : projection.NameToUse;

    // Join keys of the whole project are echoed though no view of the request has them; entity names stand for their join key.
    private Dictionary<string, RequestColumn> KnownColumns()
    {
        var columns = new Dictionary<string, RequestColumn> { [RetrievalPlan.DummyKey] = new(RetrievalPlan.DummyKey, Kind.String, true) };
        var keys = snapshot.FeatureViews.Values.SelectMany(v => v.JoinKeys).ToArray();
        foreach (var joinKey in snapshot.EntityJoinKeys.Values.Concat(keys.Select(k => k.Name)))
        {
            columns.TryAdd(joinKey, new RequestColumn(joinKey, Kind.Invalid, joinKey == RetrievalPlan.DummyKey));
        }

        foreach (var (entity, joinKey) in snapshot.EntityJoinKeys)
        {
            // Under its old name an entity keeps the type that its views declare for the key.
            var type = Array.Find(keys, k => k.Name == joinKey)?.Type ?? Kind.Invalid;
            columns.TryAdd(entity, new RequestColumn(joinKey, type, joinKey == RetrievalPlan.DummyKey));
        }

        return columns;
    }

    private void CheckServed(FeatureViewModel view)
    {
        if (view.Disabled || (policy.IsTruthful && !view.Online))
        {
            throw new RetrievalException(
                RetrievalFault.NotServed, $"The feature view '{view.Name}' is not served: {(view.Disabled ? "it is disabled; enable it" : "set 'online: true' and apply")}.");
        }

        // Feast's rule; our own jobs never write the state, nor rows that a reader could see half of.
        var refuses = view.State is FeatureViewState.Created or FeatureViewState.Generated
            || (view.State == FeatureViewState.Materializing && !policy.ServesWhileMaterializing);
        if (!policy.IsTruthful && refuses)
        {
            throw new RetrievalException(
                RetrievalFault.NotReady, $"The feature view '{view.Name}' is in state {view.State.ToString().ToUpperInvariant()}, in which Feast does not serve; wait for its materialization to end.");
        }
    }
}
