"""Trains small models with libxgboost 1.7.4 and records what it predicts. Usage: make_models.py LIBXGBOOST FOLDER (Python 3, no packages)."""
import array
import ctypes
import json
import math
import os
import random
import sys

lib = ctypes.CDLL(sys.argv[1])
lib.XGBGetLastError.restype = ctypes.c_char_p
out = sys.argv[2]
ROWS, COLUMNS = 120, 4


def call(name, *args):
    if getattr(lib, name)(*args) != 0:
        raise RuntimeError(name + ": " + lib.XGBGetLastError().decode().split("\n")[0])


def matrix(rows):
    flat = array.array("f", [v for row in rows for v in row])
    handle = ctypes.c_void_p()
    address = (ctypes.c_float * len(flat)).from_buffer(flat)
    call("XGDMatrixCreateFromMat", address, ctypes.c_uint64(len(rows)), ctypes.c_uint64(COLUMNS), ctypes.c_float(math.nan), ctypes.byref(handle))
    return handle


def floats(handle, field, values):
    data = (ctypes.c_float * len(values))(*values)
    call("XGDMatrixSetFloatInfo", handle, field.encode(), data, ctypes.c_uint64(len(values)))


def train(rows, labels, params, rounds, extra):
    handle = matrix(rows)
    floats(handle, "label", labels)
    names = (ctypes.c_char_p * COLUMNS)(*[n.encode() for n in ("age", "balance", "count", "share")])
    call("XGDMatrixSetStrFeatureInfo", handle, b"feature_name", names, ctypes.c_uint64(COLUMNS))
    if "types" in extra:
        types = (ctypes.c_char_p * COLUMNS)(*[t.encode() for t in extra["types"]])
        call("XGDMatrixSetStrFeatureInfo", handle, b"feature_type", types, ctypes.c_uint64(COLUMNS))
    if "group" in extra:
        sizes = (ctypes.c_uint * len(extra["group"]))(*extra["group"])
        call("XGDMatrixSetUIntInfo", handle, b"group", sizes, ctypes.c_uint64(len(extra["group"])))
    booster = ctypes.c_void_p()
    call("XGBoosterCreate", (ctypes.c_void_p * 1)(handle), ctypes.c_uint64(1), ctypes.byref(booster))
    for key, value in params.items():
        call("XGBoosterSetParam", booster, key.encode(), str(value).encode())
    for i in range(rounds):
        call("XGBoosterUpdateOneIter", booster, i, handle)
    return booster, handle


def save(booster, kind):
    length, data = ctypes.c_uint64(), ctypes.POINTER(ctypes.c_char)()
    call("XGBoosterSaveModelToBuffer", booster, json.dumps({"format": kind}).encode(), ctypes.byref(length), ctypes.byref(data))
    return ctypes.string_at(data, length.value)


def predict(booster, rows, kind):
    handle = matrix(rows)
    shape, dims, result = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    config = json.dumps({"type": kind, "training": False, "iteration_begin": 0, "iteration_end": 0, "strict_shape": True})
    call("XGBoosterPredictFromDMatrix", booster, handle, config.encode(), ctypes.byref(shape), ctypes.byref(dims), ctypes.byref(result))
    count = 1
    for i in range(dims.value):
        count *= shape[i]
    return [result[i] for i in range(count)]


def bits(values):
    return [int.from_bytes(array.array("f", [v]).tobytes(), "little") for v in values]


random.seed(7)
rows = [[random.choice([math.nan, float(random.randint(18, 80))]), random.uniform(-1e4, 1e5), float(random.randint(0, 5)), random.random()] for _ in range(ROWS)]
score = [(0 if math.isnan(r[0]) else r[0] / 40) + r[1] / 5e4 + r[2] * 0.3 - r[3] for r in rows]
binary = [1.0 if s > 1.5 else 0.0 for s in score]
positive = [max(0.01, s + 1) for s in score]
classes = [float(min(2, max(0, int(s)))) for s in score]
labels = {
    "reg:squarederror": score, "reg:squaredlogerror": positive, "reg:pseudohubererror": score, "reg:absoluteerror": score, "reg:logistic": binary, "binary:logistic": binary,
    "binary:hinge": binary, "count:poisson": [float(int(p)) for p in positive], "reg:gamma": positive, "reg:tweedie": positive, "multi:softprob": classes, "multi:softmax": classes,
    "rank:pairwise": classes, "rank:ndcg": classes, "rank:map": binary,
}
jobs = [(name.replace(":", "-"), name, {}, {}) for name in labels]
jobs += [
    ("base-score", "binary:logistic", {"base_score": 0.0731}, {}), ("base-poisson", "count:poisson", {"base_score": 2.5}, {}), ("base-softprob", "multi:softprob", {"base_score": 0.3}, {}),
    ("forest", "binary:logistic", {"num_parallel_tree": 3, "subsample": 0.7, "colsample_bynode": 0.6}, {}), ("lossguide", "reg:squarederror", {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0}, {}),
    ("pruned", "reg:squarederror", {"tree_method": "exact", "gamma": 0.5, "max_depth": 7}, {}), ("no-split", "binary:logistic", {"gamma": 1e9}, {}),
    ("bad-dart", "binary:logistic", {"booster": "dart", "rate_drop": 0.5}, {}), ("bad-gblinear", "binary:logistic", {"booster": "gblinear"}, {}), ("bad-logitraw", "binary:logitraw", {}, {}),
    ("bad-categories", "binary:logistic", {"tree_method": "hist"}, {"types": ["float", "float", "c", "float"]}), ("bad-objective", "survival:cox", {}, {}),
]
for name, objective, params, extra in jobs:
    settings = {"objective": objective, "max_depth": 3, "eta": 0.3, "seed": 7, "nthread": 1, "verbosity": 0, "min_child_weight": 0, "max_cat_to_onehot": 1}
    settings.update({"num_class": 3} if objective.startswith("multi:") else {})
    settings.update(params)
    extra = dict(extra, **({"group": [ROWS // 4] * 4} if objective.startswith("rank:") else {}))
    booster, _ = train(rows, labels.get(objective, positive if "cox" in objective else binary), settings, 6, extra)
    for kind in ("json", "ubj"):
        with open(os.path.join(out, name + "." + kind), "wb") as file:
            file.write(save(booster, kind))
    if not name.startswith("bad-"):
        with open(os.path.join(out, name + ".answers"), "w") as file:
            json.dump({"prediction": bits(predict(booster, rows, 0)), "margin": bits(predict(booster, rows, 1))}, file)
with open(os.path.join(out, "rows.answers"), "w") as file:
    json.dump({"columns": COLUMNS, "rows": bits(v for r in rows for v in r)}, file)
