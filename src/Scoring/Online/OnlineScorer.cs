using System.Text.RegularExpressions;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Receipts;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Scoring.Online;

/// <summary>Scores entities: reads the features of a model's service from the online store, in this process, and runs the model on them. Safe for concurrent use.</summary>
/// <param name="receipts">Where decisions are recorded before they are given; null records none.</param>
public sealed partial class OnlineScorer(ServingRuntime runtime, LiveModels models, ReceiptLog? receipts = null)
{
    private volatile ModelBinding[] _bindings = [];

    internal ServingRuntime Runtime => runtime;

    internal ReceiptLog? Receipts => receipts;

    /// <summary>Begins a call: takes the version that is live now, and keeps it until the call is disposed of.</summary>
    /// <exception cref="RetrievalException">There is no such model, or it does not fit what is served.</exception>
    public ScoreCall Begin(string model)
    {
        LiveModel.Lease lease;
        try
        {
            lease = models.Acquire(model);
        }
        catch (ModelStoreException e)
        {
            throw new RetrievalException(RetrievalFault.ModelNotFound, e.Message);
        }
        catch (ModelRefusedException e)
        {
            throw new RetrievalException(RetrievalFault.ModelRefused, e.Message);
        }

        try
        {
            return new ScoreCall(this, lease, Binding(lease));
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    internal string RequestId(string? given) => string.IsNullOrEmpty(given) ? Guid.CreateVersion7(runtime.Time.GetUtcNow()).ToString()
        : GoodId().IsMatch(given) ? given
        : throw new RetrievalException(RetrievalFault.Invalid, "The request id is no 1 to 128 letters, digits, '.', '_', ':' or '-'; leave it out to have one made.");

    [GeneratedRegex(@"^[A-Za-z0-9._:-]{1,128}\z", RegexOptions.CultureInvariant)]
    private static partial Regex GoodId();

    // One binding a model and few models: a list is read faster than it is hashed, and replaced whole.
    private ModelBinding Binding(LiveModel.Lease lease)
    {
        var plans = runtime.Plans;
        var known = _bindings;
        foreach (var binding in known)
        {
            if (ReferenceEquals(binding.Manifest, lease.Manifest) && ReferenceEquals(binding.Plans, plans))
            {
                return binding;
            }
        }

        var made = ModelBinding.Compile(plans, lease.Manifest, lease.Scorer);
        _bindings = [.. known.Where(b => ReferenceEquals(b.Plans, plans) && b.Manifest.Name != made.Manifest.Name), made];
        return made;
    }
}
