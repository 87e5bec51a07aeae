"""Theano's `tensor.nnet`: names only; defined in `symnb.ops.nn` and beside."""

from symnb.ops.conv import conv2d as conv2d
from symnb.ops.conv import conv2d_grad_wrt_inputs as conv2d_grad_wrt_inputs
from symnb.ops.conv import conv2d_grad_wrt_weights as conv2d_grad_wrt_weights
from symnb.ops.conv import conv2d_transpose as conv2d_transpose
from symnb.ops.nn import batch_normalization as batch_normalization
from symnb.ops.nn import binary_crossentropy as binary_crossentropy
from symnb.ops.nn import categorical_crossentropy as categorical_crossentropy
from symnb.ops.nn import confusion_matrix as confusion_matrix
from symnb.ops.nn import elu as elu
from symnb.ops.nn import hard_sigmoid as hard_sigmoid
from symnb.ops.nn import log_softmax as log_softmax
from symnb.ops.nn import logsoftmax as logsoftmax
from symnb.ops.nn import relu as relu
from symnb.ops.nn import selu as selu
from symnb.ops.nn import sigmoid_binary_crossentropy as sigmoid_binary_crossentropy
from symnb.ops.nn import softmax as softmax
from symnb.ops.nn import softsign as softsign
from symnb.ops.transcendental import sigmoid as sigmoid
from symnb.ops.transcendental import softplus as softplus

ultra_fast_sigmoid = sigmoid  # the exact one; Theano's approximation is not needed
