"""The `T` namespace: every tensor function under NumPy's and Theano's names.

Names only; each function is defined and documented in `symnb.ops`. Bodies of
`%%symfunc` cells find these names without importing them. Floor 6.
"""


from symnb.core.node import Constant as Constant
from symnb.core.node import Node as Node
from symnb.gradient import Lop as Lop
from symnb.gradient import Rop as Rop
from symnb.gradient import consider_constant as consider_constant
from symnb.gradient import disconnected_grad as disconnected_grad
from symnb.gradient import grad as grad
from symnb.gradient import grad_clip as grad_clip
from symnb.gradient import grad_scale as grad_scale
from symnb.gradient import hessian as hessian
from symnb.gradient import hessian_vector_product as hessian_vector_product
from symnb.gradient import jacobian as jacobian
from symnb.gradient import verify_grad as verify_grad
from symnb.gradient import zero_grad as zero_grad
from symnb.ops.arithmetic import (
    abs as abs,
)
from symnb.ops.arithmetic import (
    add as add,
)
from symnb.ops.arithmetic import (
    allclose as allclose,
)
from symnb.ops.arithmetic import (
    ceil as ceil,
)
from symnb.ops.arithmetic import (
    ceil_intdiv as ceil_intdiv,
)
from symnb.ops.arithmetic import (
    clip as clip,
)
from symnb.ops.arithmetic import (
    copy as copy,
)
from symnb.ops.arithmetic import (
    copysign as copysign,
)
from symnb.ops.arithmetic import (
    divmod as divmod,
)
from symnb.ops.arithmetic import (
    floor as floor,
)
from symnb.ops.arithmetic import (
    floor_div as floor_div,
)
from symnb.ops.arithmetic import (
    fmod as fmod,
)
from symnb.ops.arithmetic import (
    heaviside as heaviside,
)
from symnb.ops.arithmetic import (
    isclose as isclose,
)
from symnb.ops.arithmetic import (
    maximum as maximum,
)
from symnb.ops.arithmetic import (
    minimum as minimum,
)
from symnb.ops.arithmetic import (
    mod as mod,
)
from symnb.ops.arithmetic import (
    mul as mul,
)
from symnb.ops.arithmetic import (
    nan_to_num as nan_to_num,
)
from symnb.ops.arithmetic import (
    neg as neg,
)
from symnb.ops.arithmetic import (
    nextafter as nextafter,
)
from symnb.ops.arithmetic import (
    reciprocal as reciprocal,
)
from symnb.ops.arithmetic import (
    relu as relu,
)
from symnb.ops.arithmetic import (
    round as round,
)
from symnb.ops.arithmetic import (
    sign as sign,
)
from symnb.ops.arithmetic import (
    square as square,
)
from symnb.ops.arithmetic import (
    sub as sub,
)
from symnb.ops.arithmetic import (
    true_div as true_div,
)
from symnb.ops.arithmetic import (
    trunc as trunc,
)
from symnb.ops.cast import (
    cast as cast,
)
from symnb.ops.create import (
    alloc as alloc,
)
from symnb.ops.create import (
    arange as arange,
)
from symnb.ops.create import (
    empty as empty,
)
from symnb.ops.create import (
    empty_like as empty_like,
)
from symnb.ops.create import (
    eye as eye,
)
from symnb.ops.create import (
    fill as fill,
)
from symnb.ops.create import (
    full as full,
)
from symnb.ops.create import (
    full_like as full_like,
)
from symnb.ops.create import (
    identity as identity,
)
from symnb.ops.create import (
    identity_like as identity_like,
)
from symnb.ops.create import (
    iota as iota,
)
from symnb.ops.create import (
    linspace as linspace,
)
from symnb.ops.create import (
    logspace as logspace,
)
from symnb.ops.create import (
    meshgrid as meshgrid,
)
from symnb.ops.create import (
    ones as ones,
)
from symnb.ops.create import (
    ones_like as ones_like,
)
from symnb.ops.create import (
    tri as tri,
)
from symnb.ops.create import (
    tril as tril,
)
from symnb.ops.create import (
    triu as triu,
)
from symnb.ops.create import (
    zeros as zeros,
)
from symnb.ops.create import (
    zeros_like as zeros_like,
)
from symnb.ops.cumulative import (
    cumprod as cumprod,
)
from symnb.ops.cumulative import (
    cumsum as cumsum,
)
from symnb.ops.cumulative import (
    diff as diff,
)
from symnb.ops.diagonal import (
    diag as diag,
)
from symnb.ops.diagonal import (
    diagflat as diagflat,
)
from symnb.ops.diagonal import (
    diagonal as diagonal,
)
from symnb.ops.diagonal import (
    trace as trace,
)
from symnb.ops.dot import (
    batched_dot as batched_dot,
)
from symnb.ops.dot import (
    batched_tensordot as batched_tensordot,
)
from symnb.ops.dot import (
    dot as dot,
)
from symnb.ops.dot import (
    inner as inner,
)
from symnb.ops.dot import (
    kron as kron,
)
from symnb.ops.dot import (
    matmul as matmul,
)
from symnb.ops.dot import (
    matvec as matvec,
)
from symnb.ops.dot import (
    outer as outer,
)
from symnb.ops.dot import (
    tensordot as tensordot,
)
from symnb.ops.dot import (
    vdot as vdot,
)
from symnb.ops.dot import (
    vecdot as vecdot,
)
from symnb.ops.dot import (
    vecmat as vecmat,
)
from symnb.ops.einsum import (
    einsum as einsum,
)
from symnb.ops.join import (
    array_split as array_split,
)
from symnb.ops.join import (
    column_stack as column_stack,
)
from symnb.ops.join import (
    concatenate as concatenate,
)
from symnb.ops.join import (
    dstack as dstack,
)
from symnb.ops.join import (
    horizontal_stack as horizontal_stack,
)
from symnb.ops.join import (
    hstack as hstack,
)
from symnb.ops.join import (
    join as join,
)
from symnb.ops.join import (
    split as split,
)
from symnb.ops.join import (
    stack as stack,
)
from symnb.ops.join import (
    stacklists as stacklists,
)
from symnb.ops.join import (
    unstack as unstack,
)
from symnb.ops.join import (
    vertical_stack as vertical_stack,
)
from symnb.ops.join import (
    vstack as vstack,
)
from symnb.ops.logic import (
    bitwise_and as bitwise_and,
)
from symnb.ops.logic import (
    bitwise_or as bitwise_or,
)
from symnb.ops.logic import (
    bitwise_xor as bitwise_xor,
)
from symnb.ops.logic import (
    equal as equal,
)
from symnb.ops.logic import (
    gcd as gcd,
)
from symnb.ops.logic import (
    greater as greater,
)
from symnb.ops.logic import (
    greater_equal as greater_equal,
)
from symnb.ops.logic import (
    invert as invert,
)
from symnb.ops.logic import (
    isfinite as isfinite,
)
from symnb.ops.logic import (
    isinf as isinf,
)
from symnb.ops.logic import (
    isnan as isnan,
)
from symnb.ops.logic import (
    isneginf as isneginf,
)
from symnb.ops.logic import (
    isposinf as isposinf,
)
from symnb.ops.logic import (
    lcm as lcm,
)
from symnb.ops.logic import (
    left_shift as left_shift,
)
from symnb.ops.logic import (
    less as less,
)
from symnb.ops.logic import (
    less_equal as less_equal,
)
from symnb.ops.logic import (
    logical_and as logical_and,
)
from symnb.ops.logic import (
    logical_not as logical_not,
)
from symnb.ops.logic import (
    logical_or as logical_or,
)
from symnb.ops.logic import (
    logical_xor as logical_xor,
)
from symnb.ops.logic import (
    not_equal as not_equal,
)
from symnb.ops.logic import (
    right_shift as right_shift,
)
from symnb.ops.logic import (
    signbit as signbit,
)
from symnb.ops.logic import (
    switch as switch,
)
from symnb.ops.logic import (
    where as where,
)
from symnb.ops.nn import (
    batch_normalization as batch_normalization,
)
from symnb.ops.nn import (
    batch_normalization_test as batch_normalization_test,
)
from symnb.ops.nn import (
    batch_normalization_train as batch_normalization_train,
)
from symnb.ops.nn import (
    binary_crossentropy as binary_crossentropy,
)
from symnb.ops.nn import (
    categorical_crossentropy as categorical_crossentropy,
)
from symnb.ops.nn import (
    confusion_matrix as confusion_matrix,
)
from symnb.ops.nn import (
    elu as elu,
)
from symnb.ops.nn import (
    gelu as gelu,
)
from symnb.ops.nn import (
    hard_sigmoid as hard_sigmoid,
)
from symnb.ops.nn import (
    leaky_relu as leaky_relu,
)
from symnb.ops.nn import (
    log_softmax as log_softmax,
)
from symnb.ops.nn import (
    logsoftmax as logsoftmax,
)
from symnb.ops.nn import (
    logsumexp as logsumexp,
)
from symnb.ops.nn import (
    one_hot as one_hot,
)
from symnb.ops.nn import (
    selu as selu,
)
from symnb.ops.nn import (
    sigmoid_binary_crossentropy as sigmoid_binary_crossentropy,
)
from symnb.ops.nn import (
    silu as silu,
)
from symnb.ops.nn import (
    softmax as softmax,
)
from symnb.ops.nn import (
    softsign as softsign,
)
from symnb.ops.rearrange import (
    pad as pad,
)
from symnb.ops.rearrange import (
    repeat as repeat,
)
from symnb.ops.rearrange import (
    roll as roll,
)
from symnb.ops.rearrange import (
    rot90 as rot90,
)
from symnb.ops.rearrange import (
    tile as tile,
)
from symnb.ops.reduce import (
    all as all,
)
from symnb.ops.reduce import (
    any as any,
)
from symnb.ops.reduce import (
    argmax as argmax,
)
from symnb.ops.reduce import (
    argmin as argmin,
)
from symnb.ops.reduce import (
    max as max,
)
from symnb.ops.reduce import (
    max_and_argmax as max_and_argmax,
)
from symnb.ops.reduce import (
    min as min,
)
from symnb.ops.reduce import (
    prod as prod,
)
from symnb.ops.reduce import (
    sum as sum,
)
from symnb.ops.reduce import (
    sum_to_shape as sum_to_shape,
)
from symnb.ops.slicing import (
    flip as flip,
)
from symnb.ops.special import (
    beta as beta,
)
from symnb.ops.special import (
    betaln as betaln,
)
from symnb.ops.special import (
    chi2sf as chi2sf,
)
from symnb.ops.special import (
    digamma as digamma,
)
from symnb.ops.special import (
    erf as erf,
)
from symnb.ops.special import (
    erfc as erfc,
)
from symnb.ops.special import (
    erfcinv as erfcinv,
)
from symnb.ops.special import (
    erfcx as erfcx,
)
from symnb.ops.special import (
    erfinv as erfinv,
)
from symnb.ops.special import (
    factorial as factorial,
)
from symnb.ops.special import (
    gamma as gamma,
)
from symnb.ops.special import (
    gammainc as gammainc,
)
from symnb.ops.special import (
    gammaincc as gammaincc,
)
from symnb.ops.special import (
    gammal as gammal,
)
from symnb.ops.special import (
    gammaln as gammaln,
)
from symnb.ops.special import (
    gammau as gammau,
)
from symnb.ops.special import (
    i0 as i0,
)
from symnb.ops.special import (
    i1 as i1,
)
from symnb.ops.special import (
    iv as iv,
)
from symnb.ops.special import (
    ive as ive,
)
from symnb.ops.special import (
    j0 as j0,
)
from symnb.ops.special import (
    j1 as j1,
)
from symnb.ops.special import (
    jv as jv,
)
from symnb.ops.special import (
    kv as kv,
)
from symnb.ops.special import (
    kve as kve,
)
from symnb.ops.special import (
    log_ndtr as log_ndtr,
)
from symnb.ops.special import (
    logit as logit,
)
from symnb.ops.special import (
    ndtr as ndtr,
)
from symnb.ops.special import (
    ndtri as ndtri,
)
from symnb.ops.special import (
    poch as poch,
)
from symnb.ops.special import (
    polygamma as polygamma,
)
from symnb.ops.special import (
    psi as psi,
)
from symnb.ops.special import (
    trigamma as trigamma,
)
from symnb.ops.special import (
    xlog1py as xlog1py,
)
from symnb.ops.special import (
    xlogx as xlogx,
)
from symnb.ops.special import (
    xlogy as xlogy,
)
from symnb.ops.special import (
    xlogy0 as xlogy0,
)
from symnb.ops.statistics import (
    average as average,
)
from symnb.ops.statistics import (
    count_nonzero as count_nonzero,
)
from symnb.ops.statistics import (
    mean as mean,
)
from symnb.ops.statistics import (
    nanmax as nanmax,
)
from symnb.ops.statistics import (
    nanmean as nanmean,
)
from symnb.ops.statistics import (
    nanmin as nanmin,
)
from symnb.ops.statistics import (
    nanprod as nanprod,
)
from symnb.ops.statistics import (
    nansum as nansum,
)
from symnb.ops.statistics import (
    norm as norm,
)
from symnb.ops.statistics import (
    ptp as ptp,
)
from symnb.ops.statistics import (
    std as std,
)
from symnb.ops.statistics import (
    var as var,
)
from symnb.ops.transcendental import (
    arccos as arccos,
)
from symnb.ops.transcendental import (
    arccosh as arccosh,
)
from symnb.ops.transcendental import (
    arcsin as arcsin,
)
from symnb.ops.transcendental import (
    arcsinh as arcsinh,
)
from symnb.ops.transcendental import (
    arctan as arctan,
)
from symnb.ops.transcendental import (
    arctan2 as arctan2,
)
from symnb.ops.transcendental import (
    arctanh as arctanh,
)
from symnb.ops.transcendental import (
    cbrt as cbrt,
)
from symnb.ops.transcendental import (
    cos as cos,
)
from symnb.ops.transcendental import (
    cosh as cosh,
)
from symnb.ops.transcendental import (
    deg2rad as deg2rad,
)
from symnb.ops.transcendental import (
    exp as exp,
)
from symnb.ops.transcendental import (
    exp2 as exp2,
)
from symnb.ops.transcendental import (
    expit as expit,
)
from symnb.ops.transcendental import (
    expm1 as expm1,
)
from symnb.ops.transcendental import (
    hypot as hypot,
)
from symnb.ops.transcendental import (
    log as log,
)
from symnb.ops.transcendental import (
    log1mexp as log1mexp,
)
from symnb.ops.transcendental import (
    log1p as log1p,
)
from symnb.ops.transcendental import (
    log2 as log2,
)
from symnb.ops.transcendental import (
    log10 as log10,
)
from symnb.ops.transcendental import (
    logaddexp as logaddexp,
)
from symnb.ops.transcendental import (
    logaddexp2 as logaddexp2,
)
from symnb.ops.transcendental import (
    pow as pow,
)
from symnb.ops.transcendental import (
    rad2deg as rad2deg,
)
from symnb.ops.transcendental import (
    sigmoid as sigmoid,
)
from symnb.ops.transcendental import (
    sin as sin,
)
from symnb.ops.transcendental import (
    sinc as sinc,
)
from symnb.ops.transcendental import (
    sinh as sinh,
)
from symnb.ops.transcendental import (
    softplus as softplus,
)
from symnb.ops.transcendental import (
    sqrt as sqrt,
)
from symnb.ops.transcendental import (
    tan as tan,
)
from symnb.ops.transcendental import (
    tanh as tanh,
)
from symnb.ops.view import (
    addbroadcast as addbroadcast,
)
from symnb.ops.view import (
    atleast_1d as atleast_1d,
)
from symnb.ops.view import (
    atleast_2d as atleast_2d,
)
from symnb.ops.view import (
    atleast_3d as atleast_3d,
)
from symnb.ops.view import (
    broadcast_arrays as broadcast_arrays,
)
from symnb.ops.view import (
    broadcast_like as broadcast_like,
)
from symnb.ops.view import (
    broadcast_shape as broadcast_shape,
)
from symnb.ops.view import (
    broadcast_to as broadcast_to,
)
from symnb.ops.view import (
    dimshuffle as dimshuffle,
)
from symnb.ops.view import (
    expand_dims as expand_dims,
)
from symnb.ops.view import (
    flatten as flatten,
)
from symnb.ops.view import (
    matrix_transpose as matrix_transpose,
)
from symnb.ops.view import (
    moveaxis as moveaxis,
)
from symnb.ops.view import (
    ravel as ravel,
)
from symnb.ops.view import (
    reshape as reshape,
)
from symnb.ops.view import (
    shape_padaxis as shape_padaxis,
)
from symnb.ops.view import (
    shape_padleft as shape_padleft,
)
from symnb.ops.view import (
    shape_padright as shape_padright,
)
from symnb.ops.view import (
    specify_shape as specify_shape,
)
from symnb.ops.view import (
    squeeze as squeeze,
)
from symnb.ops.view import (
    swapaxes as swapaxes,
)
from symnb.ops.view import (
    transpose as transpose,
)
from symnb.ops.view import (
    unbroadcast as unbroadcast,
)
from symnb.tensor import numpy_protocol as _numpy_protocol
from symnb.tensor.constructors import (
    DTYPE_NAMES,
    KINDS,
)
from symnb.tensor.constructors import (
    TensorType as TensorType,
)
from symnb.tensor.constructors import (
    as_tensor as as_tensor,
)
from symnb.tensor.constructors import (
    as_tensor_variable as as_tensor_variable,
)
from symnb.tensor.constructors import (
    constant as constant,
)
from symnb.tensor.constructors import (
    tensor as tensor,
)
from symnb.tensor.python import update as update
from symnb.tensor.theano_names import NAMES as _THEANO_NAMES

globals().update(KINDS)  # vector, dvector, dvectors, ...
globals().update(DTYPE_NAMES)  # f64, f32, i64, ...
globals().update(_THEANO_NAMES)  # eq, neq, truediv, ...

_numpy_protocol.offer({k: v for k, v in globals().items() if not k.startswith("_")})
