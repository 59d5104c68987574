using System.Runtime.InteropServices;

namespace FeatureStore.Training.XGBoost;

/// <summary>The functions of XGBoost's C API (<c>xgboost/c_api.h</c> of 1.7) that training uses. Each answers 0, or −1 with the reason in <see cref="LastError"/> of the thread.</summary>
internal static partial class NativeXgb
{
    public const string Library = "xgboost";

    [LibraryImport(Library, EntryPoint = "XGBoostVersion")]
    public static partial void Version(out int major, out int minor, out int patch);

    [LibraryImport(Library, EntryPoint = "XGBGetLastError")]
    public static partial nint LastError();

    [LibraryImport(Library, EntryPoint = "XGDMatrixCreateFromMat")]
    public static partial int MatrixCreate(ReadOnlySpan<float> rows, ulong count, ulong columns, float missing, out nint matrix);

    [LibraryImport(Library, EntryPoint = "XGDMatrixFree")]
    public static partial int MatrixFree(nint matrix);

    [LibraryImport(Library, EntryPoint = "XGDMatrixSetFloatInfo", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MatrixSetFloats(nint matrix, string field, ReadOnlySpan<float> values, ulong count);

    [LibraryImport(Library, EntryPoint = "XGDMatrixSetStrFeatureInfo", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MatrixSetTexts(nint matrix, string field, string[] values, ulong count);

    [LibraryImport(Library, EntryPoint = "XGBoosterCreate")]
    public static partial int BoosterCreate(ReadOnlySpan<nint> matrices, ulong count, out nint booster);

    [LibraryImport(Library, EntryPoint = "XGBoosterFree")]
    public static partial int BoosterFree(nint booster);

    [LibraryImport(Library, EntryPoint = "XGBoosterSetParam", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int BoosterSet(nint booster, string name, string value);

    [LibraryImport(Library, EntryPoint = "XGBoosterUpdateOneIter")]
    public static partial int BoosterUpdate(nint booster, int round, nint matrix);

    [LibraryImport(Library, EntryPoint = "XGBoosterSaveModelToBuffer", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int BoosterSave(nint booster, string config, out ulong size, out nint bytes);

    [LibraryImport(Library, EntryPoint = "XGBoosterPredictFromDMatrix", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int BoosterPredict(nint booster, nint matrix, string config, out nint shape, out ulong dimensions, out nint values);

    [LibraryImport(Library, EntryPoint = "XGBoosterFeatureScore", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int BoosterImportance(nint booster, string config, out ulong count, out nint names, out ulong dimensions, out nint shape, out nint scores);
}
