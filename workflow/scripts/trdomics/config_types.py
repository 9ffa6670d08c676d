"""The blocks of the configs as types: what their keys are called and hold.

A config is a plain dictionary, checked and completed by its schema; Snakemake passes it on as
params. These types let mypy check each key; a test compares them with ``workflow/schemas``. A
change here reruns nothing, so there is nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict


class SexConfig(TypedDict):
    """Column of the patients' sex and its two values."""

    column: str
    female: str | int
    male: str | int


class RnaQualityConfig(TypedDict):
    """Column of RNA quality and its lowest good value."""

    column: str
    lowest: float | None


class PatientColumns(TypedDict):
    """Columns of the sheet that identify and group patients."""

    patient_id: str
    site: str | None
    categorical: list[str]


class SamplesConfig(PatientColumns):
    """The sheet."""

    file: str
    sex: SexConfig | None
    rna_quality: RnaQualityConfig | None
    three_prime_bias: str | None
    without_layers: str


class LabelConfig(TypedDict):
    """The label's column and classes; `negative` names all of `negative_values`, if several."""

    column: str | None
    positive: str
    negative: str
    negative_values: NotRequired[list[str]]


class ModelColumns(TypedDict):
    """Columns of the sheet by their role in models."""

    predictors: list[str]
    circular: list[str]
    confounders: list[str]


class ClinicalConfig(ModelColumns):
    """Columns of the sheet by their role."""

    technical: list[str]


class CellsConfig(TypedDict):
    """Cell fractions: measured ones by cell type, and the signature for estimated ones."""

    columns: dict[str, str] | None
    signature: str | None


class ReadsConfig(TypedDict, total=False):
    """Reads that a layer is made from; which keys it has depends on RNA or DNA."""

    units: str
    protocol: str
    aligner: str
    strandedness: str | None
    min_reads: int
    min_mapped: float
    regions: str | None
    sites: str | None


class LayerConfig(TypedDict, total=False):
    """A layer; which keys it has depends on its type, and on what a rule passes on."""

    type: str
    file: str
    reads: ReadsConfig | None
    id_column: str
    features: str | None
    integration_features: int
    model_features: int
    min_count: int
    min_share: float
    vst_genes: int
    min_mean_count: float
    log2: bool
    max_missing: float
    min_prevalence: float
    format: str | None
    no_call: str | None
    profiled: str | None
    sample_column: str
    pass_only: bool
    min_call_rate: float
    min_depth: int
    min_genotype_quality: float
    min_quality: float
    max_allele_frequency: float
    burden: str
    snv_only: bool
    dosages: list[str]


class ReferencesConfig(TypedDict):
    """Files that reads are compared with."""

    genome: str | None
    annotation: str | None
    transcripts: str | None
    hairpin: str | None
    mature: str | None
    species: str


class PharmacogenesConfig(TypedDict):
    """The drugs that patients took."""

    medication: str | None
    drug_columns: list[str]


class MechanismConfig(TypedDict):
    """The mechanistic model."""

    model: str | None
    draws: int


class DifferentialConfig(TypedDict):
    """Tests of features; design and contrast are None without a label."""

    design: str | None
    contrast: list[str] | None
    fdr: float
    winsorise: float | None
    deges: bool
    adjustment_sets: dict[str, list[str]] | None
    burden_covariates: list[str]
    burden_gene_sets: str | None
    min_carriers: int


class GeneSetsFile(TypedDict):
    """A GMT file and its checksum."""

    file: str
    sha256: str | None


class MirnaConfig(TypedDict):
    """Layers of miRNAs and targets."""

    layer: str | None
    target_layer: str | None
    targets: str | None


class EnrichmentConfig(TypedDict):
    """Tests of gene sets."""

    gene_sets: list[str | GeneSetsFile]
    permutations: int
    min_size: int
    max_size: int
    mirna: MirnaConfig


class IntegrationConfig(TypedDict):
    """MOFA."""

    factors: int
    seeds: list[int]
    max_iterations: int
    convergence: str
    regress_out: list[str]


class ClassificationConfig(TypedDict):
    """Cross-validation and models."""

    repeats: int
    folds: int
    inner_folds: int
    leave_one_site_out: bool
    min_site_class: int
    models: list[str]
    permutations: int
    null_models: list[str]
    learning_curve: int
    bootstrap: int
    regress_out: list[str]


class ScoringConfig(TypedDict):
    """A frozen model to score with."""

    model: str | None
    max_missing_features: float
    feature_names: dict[str, str]
    threshold: float | None


class PrivacyConfig(TypedDict):
    """Differential privacy of an exported bundle."""

    epsilon: float


class ExportConfig(TypedDict):
    """The bundle for a consortium."""

    minimum_count: int
    privacy: PrivacyConfig | None


class SimulatedReadsConfig(TypedDict):
    """The draw of FASTQ files."""

    seed: int | None


class SimulationConfig(TypedDict):
    """The draw of a simulated cohort."""

    genes: int
    small_rnas: int
    variant_genes: int
    missing_layer: float
    seed: int | None


class CohortConfig(TypedDict):
    """The resolved config of a cohort."""

    cohort: str
    seed: int
    samples: SamplesConfig
    label: LabelConfig
    target_prevalence: float | None
    clinical: ClinicalConfig
    cells: CellsConfig
    layers: dict[str, LayerConfig]
    references: ReferencesConfig
    panels: list[str]
    pharmacogenes: PharmacogenesConfig
    mechanism: MechanismConfig
    differential: DifferentialConfig
    enrichment: EnrichmentConfig
    integration: IntegrationConfig
    classification: ClassificationConfig
    scoring: ScoringConfig
    export: ExportConfig
    simulated_reads: SimulatedReadsConfig | None
    simulation: SimulationConfig | None


class PatientsConfig(TypedDict):
    """What ``patients.tsv`` is read with."""

    samples: PatientColumns
    label: LabelConfig
    layers: dict[str, LayerConfig]


class SheetConfig(TypedDict):
    """What the cohort stage depends on.

    `columns`: column of the sheet to the first key that names it; `quality`: column of read
    quality to layer and column of its ``qc.tsv``.
    """

    cohort: str
    samples: SamplesConfig
    label: LabelConfig
    columns: dict[str, str]
    quality: dict[str, list[str]]
    layers: dict[str, LayerConfig]


class SearchConfig(TypedDict):
    """Keys of `classification` that a search depends on; the others are of single rules."""

    models: list[str]
    inner_folds: int
    regress_out: list[str]
    folds: NotRequired[int]
    null_models: NotRequired[list[str]]
    learning_curve: NotRequired[int]


class FitConfig(TypedDict):
    """What a fit depends on.

    `derived`: derived table to whether it may enter the selected stack; `panel_members`: panel to
    layer to features.
    """

    seed: int
    label: LabelConfig
    samples: PatientColumns
    clinical: ModelColumns
    layers: dict[str, LayerConfig]
    derived: NotRequired[dict[str, bool]]
    panels: NotRequired[list[str]]
    panel_members: NotRequired[Mapping[str, Mapping[str, list[str]]]]
    integration: IntegrationConfig
    classification: SearchConfig


class MethodsConfig(TypedDict):
    """What the methods' paragraph names."""

    layers: list[str]
    models: list[str]
    null_models: list[str]


class ReportingConfig(MethodsConfig):
    """What the texts for a paper name."""

    label: LabelConfig
    predictors: list[str]
    circular: list[str]


class SummaryConfig(MethodsConfig):
    """What the summary page shows; `reads` is the page of their quality."""

    cohort: str
    label: LabelConfig
    site: str | None
    adjusted_layers: list[str]
    simulated: bool
    reads: str | None
    confounders: list[str]


class AuditColumns(TypedDict):
    """Columns of the predictions."""

    patient: str
    label: str
    probability: str
    fold: str | None
    repeat: str | None
    sample: str | None


class AuditLabel(TypedDict):
    """The label's two values."""

    positive: str
    negative: str


class AuditConfig(TypedDict):
    """The audit of another pipeline's predictions."""

    name: str
    predictions: str
    columns: AuditColumns
    label: AuditLabel
    sheet: str | None
    site: str | None
    confounders: list[str]
    categorical: list[str]
    training: str | None
    features: str | None
    refit: str | None
    permutations: int
    bootstrap: int
    seed: int


class MetaConfig(TypedDict):
    """A meta-analysis of bundles."""

    name: str
    bundles: list[str]
    fdr: float
    permutations: int
    seed: int
