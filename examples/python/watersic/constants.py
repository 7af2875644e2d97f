# SPDX-License-Identifier: MIT
"""Constants of the C headers. Names are those of C without their prefix."""

from enum import IntEnum


class Status(IntEnum):
    """Results of calls (base.h). Zero is success, positive a notice, negative a failure."""

    OK = 0
    NOTICE_RATE = 1
    ERROR_ARGUMENT = -1
    ERROR_STATE = -2
    ERROR_SHAPE = -3
    ERROR_DTYPE = -4
    ERROR_STRUCT_SIZE = -5
    ERROR_STRUCT_NEWER = -6
    ERROR_MEMORY = -10
    ERROR_MEMORY_LIMIT = -11
    ERROR_TOO_LARGE = -12
    ERROR_CANCELLED = -13
    ERROR_IO = -14
    ERROR_NOT_FINITE = -20
    ERROR_NOT_POSITIVE_DEFINITE = -21
    ERROR_RANGE = -22
    ERROR_NO_SAMPLES = -23
    ERROR_FORMAT = -30
    ERROR_CHECKSUM = -31
    ERROR_TRUNCATED = -32
    ERROR_VERSION = -33
    ERROR_NOT_FOUND = -34
    ERROR_EXISTS = -35
    ERROR_BUFFER = -36


class Dtype(IntEnum):
    """Number types of matrices (base.h)."""

    F64 = 1
    F32 = 2
    F16 = 3
    BF16 = 4
    I8 = 5
    I16 = 6
    I32 = 7
    I4 = 8


class LogLevel(IntEnum):
    """Levels of log messages (context.h)."""

    NONE = 0
    WARNING = 1
    INFO = 2
    DEBUG = 3


class Kernels(IntEnum):
    """Instructions of the kernels (context.h)."""

    AUTO = 0
    C = 1
    AVX2 = 2
    AVX512 = 3
    NEON = 4


class Moment(IntEnum):
    """Moments that statistics hold (stats.h)."""

    INPUT = 1
    QUANTIZED = 2
    CROSS = 3
    RESIDUAL = 4
    RESIDUAL_INPUT = 5
    RESIDUAL_ENERGY = 6


class Parameter(IntEnum):
    """Parameters of the encoder (encoder.h)."""

    RATE = 100
    STEP = 101
    DISTORTION = 102
    ROW_FRACTION = 103
    CONTAINER_BYTES = 104
    PASSES = 105
    DAMPING = 110
    DAMPING_RETRIES = 111
    DEAD_THRESHOLD = 112
    SPACING = 120
    LMMSE = 121
    QUANTIZER = 122
    TRELLIS_STATES = 123
    LAMBDA = 124
    RIDGE = 125
    ORDER = 126
    SURVIVORS = 127
    RESCALE = 130
    RESCALE_ROUNDS = 131
    RESCALE_TOLERANCE = 132
    BLOCK_ROWS = 140
    CODES_FIT_I4 = 141
    PRECISION = 142
    LIMIT = 150
    OUTPUTS = 160
    OUTPUT_DAMPING = 162
    OUTPUT_WEIGHTS = 163


class ParameterType(IntEnum):
    """Types of parameters (encoder.h)."""

    NUMBER = 1
    INTEGER = 2
    CHOICE = 3


class OutputWeights(IntEnum):
    """Values of Report.output_weights (encoder.h)."""

    NONE = 0
    BLOCKS = 1
    ROWS = 2


class PlanMode(IntEnum):
    """How a budget is distributed (plan.h)."""

    EQUAL = 1
    WATERFILL = 2


class JobKind(IntEnum):
    """What a job computes (decode.h)."""

    CODES = 1
    CODED_ORDER = 2
    WEIGHTS = 3
    PRODUCT = 4


class Workspace(IntEnum):
    """Workspaces of jobs (decode.h)."""

    ALIGNMENT = 64


#: Enumeration of C: class, and what its constants have in front of the names of the members
ENUMERATIONS = {
    "wsic_status_code": (Status, "WSIC_"),
    "wsic_dtype": (Dtype, "WSIC_"),
    "wsic_log_level": (LogLevel, "WSIC_LOG_"),
    "wsic_kernels": (Kernels, "WSIC_KERNELS_"),
    "wsic_moment_kind": (Moment, "WSIC_MOMENT_"),
    "wsic_parameter": (Parameter, "WSIC_"),
    "wsic_parameter_type": (ParameterType, "WSIC_PARAMETER_"),
    "wsic_output_weights": (OutputWeights, "WSIC_OUTPUT_WEIGHTS_"),
    "wsic_plan_mode": (PlanMode, "WSIC_PLAN_"),
    "wsic_job_kind": (JobKind, "WSIC_JOB_"),
    "wsic_workspace": (Workspace, "WSIC_WORKSPACE_"),
}

#: The version of the interface that this package was written for (version.h)
API_VERSION_MAJOR = 0
API_VERSION_MINOR = 1
