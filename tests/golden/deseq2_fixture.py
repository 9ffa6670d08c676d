"""The counts that R's DESeq2 was run on, drawn anew wherever they are needed.

As a program (``python tests/golden/deseq2_fixture.py COUNTS PATIENTS``) it writes them for
``make_deseq2_golden.R`` and prints their checksum.
"""

import hashlib
import sys

import numpy as np
import pandas as pd

N_GENES, N_PATIENTS, SEED = 2000, 60, 20251031
DESIGN = "~ sex + age + condition"
CONTRAST = ("condition", "treated", "control")


def golden_cohort():
    """Return counts (patients × genes) and patients (sex, age, condition)."""
    rng = np.random.default_rng(SEED)
    names = [f"P{i:02d}" for i in range(N_PATIENTS)]
    patients = pd.DataFrame(
        {
            "sex": rng.choice(["female", "male"], N_PATIENTS),
            "age": rng.integers(20, 70, N_PATIENTS),
            "condition": np.repeat(["control", "treated"], N_PATIENTS // 2),
        },
        index=pd.Index(names, name="patient_id"),
    )
    mean = np.exp(rng.normal(4.5, 1.5, N_GENES))
    dispersion = (0.05 + 2 / mean) * np.exp(rng.normal(0, 0.4, N_GENES))
    effects = {
        "treated": rng.normal(0, 0.6, N_GENES) * (rng.random(N_GENES) < 0.3),
        "male": rng.normal(0, 0.4, N_GENES) * (rng.random(N_GENES) < 0.2),
        "decade": rng.normal(0, 0.1, N_GENES),
    }
    log_mean = (
        np.log(mean)
        + np.outer(patients["condition"] == "treated", effects["treated"])
        + np.outer(patients["sex"] == "male", effects["male"])
        + np.outer((patients["age"] - 45) / 10, effects["decade"])
        + rng.normal(0, 0.3, N_PATIENTS)[:, None]
    )
    size = 1 / dispersion
    counts = rng.negative_binomial(size, size / (size + np.exp(log_mean)))
    genes = [f"gene{i:04d}" for i in range(N_GENES)]
    return pd.DataFrame(counts, index=patients.index, columns=genes), patients


def checksum(counts, patients):
    """Return a digest of the fixture that does not depend on platform or pandas."""
    digest = hashlib.sha256(np.ascontiguousarray(counts.to_numpy(), dtype="<i8").tobytes())
    digest.update(patients.to_csv(lineterminator="\n").encode())
    return digest.hexdigest()


if __name__ == "__main__":
    drawn, people = golden_cohort()
    drawn.T.to_csv(sys.argv[1], sep="\t")
    people.to_csv(sys.argv[2], sep="\t")
    print(checksum(drawn, people))
