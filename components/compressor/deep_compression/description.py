"""The layers of a model in few bytes: Keras' JSON, deflated with a text known beforehand.

The text holds what such JSON says over and over; it is a part of the format, as the probabilities
are, and changes with the format's version only.
"""

from __future__ import annotations

import importlib
import json
import zlib
from typing import Any

import tf_keras

from components.errors import InputError

#: What Keras can do without when it builds a model from JSON.
_LEFT_OUT = ("build_config", "keras_version", "backend")
#: Classes of models that are a graph of layers and nothing else.
_GRAPHS = ("Functional", "Sequential")
_SEPARATORS = (",", ":")
_WINDOW = -15
#: Modules that register layers, which must be known before a model is built of them.
_LAYERS_IN = tuple(
    f"components.models.{name}"
    for name in (
        "architectures",
        "image_architectures",
        "inputs",
        "projection",
        "tree_layer",
        "ensemble",
    )
)

#: Parts of the JSON of common layers; the most common come last, where deflate's distances
#: are short.
_KNOWN = (
    b'"module":"components.models.inputs","class_name":"SelectColumns","columns":['
    b'"module":"components.models.inputs","class_name":"CapIds","largest":'
    b'"module":"components.models.projection","registered_name":"modelworks>'
    b'{"module":"keras.layers","class_name":"GlobalAveragePooling2D","config":{"name":"mean",'
    b'"trainable":true,"dtype":"float32","data_format":"channels_last","keepdims":false},'
    b'{"module":"keras.layers","class_name":"Rescaling","config":{"name":"target","trainable":true,'
    b'"dtype":"float32","scale":1.0,"offset":0.0},"registered_name":null,'
    b'{"module":"keras.layers","class_name":"AveragePooling2D","config":{"name":"average_pooling2d",'
    b'{"module":"keras.layers","class_name":"Multiply","config":{"name":"cross_product_0",'
    b'{"module":"keras.layers","class_name":"LayerNormalization","config":{"name":"norm_0",'
    b'"trainable":true,"dtype":"float32","axis":[-1],"epsilon":0.001,"center":true,"scale":true,'
    b'{"module":"keras.layers","class_name":"DepthwiseConv2D","config":{"name":"stage_0_0_depthwise"'
    b',"trainable":true,"dtype":"float32","kernel_size":[3,3],"strides":[1,1],"padding":"same",'
    b'"data_format":"channels_last","dilation_rate":[1,1],"groups":1,"activation":"linear",'
    b'"use_bias":false,"bias_initializer":{"module":"keras.initializers","class_name":"Zeros",'
    b'"config":{},"registered_name":null},"bias_regularizer":null,"activity_regularizer":null,'
    b'"bias_constraint":null,"depth_multiplier":1,"depthwise_initializer":{"module":'
    b'"keras.initializers","class_name":"HeNormal","config":{"seed":null},"registered_name":null},'
    b'"depthwise_constraint":null,"depthwise_regularizer":null},'
    b'{"module":"keras.layers","class_name":"BatchNormalization","config":{"name":"norm_0",'
    b'"trainable":true,"dtype":"float32","axis":[1],"momentum":0.9,"epsilon":0.001,"center":true,'
    b'"scale":true,"beta_initializer":{"module":"keras.initializers","class_name":"Zeros","config":'
    b'{},"registered_name":null},"gamma_initializer":{"module":"keras.initializers","class_name":'
    b'"Ones","config":{},"registered_name":null},"moving_mean_initializer":{"module":'
    b'"keras.initializers","class_name":"Zeros","config":{},"registered_name":null},'
    b'"moving_variance_initializer":{"module":"keras.initializers","class_name":"Ones","config":{},'
    b'"registered_name":null},"beta_regularizer":null,"gamma_regularizer":null,"beta_constraint":'
    b'null,"gamma_constraint":null},"registered_name":null,"name":"'
    b'{"module":"keras.layers","class_name":"Add","config":{"name":"wide_and_deep","trainable":true,'
    b'"dtype":"float32"},"registered_name":null,"name":"wide_and_deep","inbound_nodes":[[["linear",'
    b'0,0,{}],["deep",0,0,{}]]]},'
    b'{"module":"keras.layers","class_name":"Concatenate","config":{"name":"features","trainable":'
    b'true,"dtype":"float32","axis":-1},"registered_name":null,"name":"features","inbound_nodes":[[['
    b'"numeric",0,0,{}],["embedded",0,0,{}]]]},'
    b'{"module":"components.models.architectures","class_name":"SumFeatures","config":{"name":'
    b'"linear_sum","trainable":true,"dtype":"float32"},"registered_name":"modelworks>SumFeatures",'
    b'{"module":"components.models.architectures","class_name":"OffsetIds","config":{"name":'
    b'"embedding_rows","trainable":true,"dtype":"float32","offsets":[0]},"registered_name":'
    b'"modelworks>OffsetIds","name":"linear_categorical_rows","inbound_nodes":[[["categorical",0,0,'
    b'{"module":"keras.layers","class_name":"Embedding","config":{"name":"embedding","trainable":'
    b'true,"dtype":"float32","batch_input_shape":[null,null],"input_dim":10,"output_dim":8,'
    b'"embeddings_initializer":{"module":"keras.initializers","class_name":"RandomUniform","config":'
    b'{"minval":-0.05,"maxval":0.05,"seed":null},"registered_name":null},"embeddings_regularizer":'
    b'null,"activity_regularizer":null,"embeddings_constraint":null,"mask_zero":false,"input_length"'
    b':null},"registered_name":null,"name":"linear_categorical","inbound_nodes":[[['
    b'{"module":"keras.layers","class_name":"Dropout","config":{"name":"dropout_0","trainable":true,'
    b'"dtype":"float32","rate":0.2,"noise_shape":null,"seed":0},"registered_name":null,'
    b'{"module":"keras.layers","class_name":"Activation","config":{"name":"activation_0",'
    b'"trainable":true,"dtype":"float32","activation":"relu"},"registered_name":null,'
    b'"kernel_regularizer":{"module":"keras.regularizers","class_name":"L2","config":{"l2":0.0001},'
    b'"registered_name":null},'
    b'{"class_name":"Sequential","config":{"name":"sequential","trainable":true,"layers":['
    b'{"class_name":"Functional","config":{"name":"lenet300","trainable":true,"layers":['
    b'{"module":"keras.layers","class_name":"InputLayer","config":{"batch_input_shape":[null,10],'
    b'"dtype":"int64","sparse":false,"ragged":false,"name":"categorical","optional":false},'
    b'{"module":"keras.layers","class_name":"InputLayer","config":{"batch_input_shape":[null,10],'
    b'"dtype":"float32","sparse":false,"ragged":false,"name":"numeric","optional":false},'
    b'"registered_name":null,"name":"numeric","inbound_nodes":[]},'
    b'{"module":"keras.layers","class_name":"InputLayer","config":{"batch_input_shape":[null,28,28,1'
    b'],"dtype":"float32","sparse":false,"ragged":false,"name":"image","optional":false},'
    b'"registered_name":null,"name":"image","inbound_nodes":[]},'
    b'{"module":"components.models.image_architectures","class_name":"ScalePixels","config":{"name":'
    b'"scaled","trainable":true,"dtype":"float32","mean":[0.0],"deviation":[255.0]},'
    b'"registered_name":"modelworks>ScalePixels","name":"scaled","inbound_nodes":[[["image",0,0,{}]]'
    b']},{"module":"keras.layers","class_name":"MaxPooling2D","config":{"name":"pool_0","trainable":'
    b'true,"dtype":"float32","pool_size":[2,2],"padding":"valid","strides":[2,2],"data_format":'
    b'"channels_last"},"registered_name":null,"name":"pool_0","inbound_nodes":[[["convolution_0",0,0'
    b',{}]]]},{"module":"keras.layers","class_name":"Conv2D","config":{"name":"convolution_1",'
    b'"trainable":true,"dtype":"float32","filters":20,"kernel_size":[5,5],"strides":[1,1],"padding":'
    b'"valid","data_format":"channels_last","dilation_rate":[1,1],"groups":1,"activation":"linear",'
    b'"use_bias":true,"kernel_initializer":{"module":"keras.initializers","class_name":'
    b'"GlorotUniform","config":{"seed":null},"registered_name":null},"bias_initializer":{"module":'
    b'"keras.initializers","class_name":"Zeros","config":{},"registered_name":null},'
    b'"kernel_regularizer":null,"bias_regularizer":null,"activity_regularizer":null,'
    b'"kernel_constraint":null,"bias_constraint":null},"registered_name":null,"name":"convolution_1"'
    b',"inbound_nodes":[[["pool_0",0,0,{}]]]},'
    b'{"module":"keras.layers","class_name":"Flatten","config":{"name":"pixels","trainable":true,'
    b'"dtype":"float32","data_format":"channels_last"},"registered_name":null,"name":"flat",'
    b'"inbound_nodes":[[["pool_1",0,0,{}]]]},'
    b'{"module":"keras.layers","class_name":"Dense","config":{"name":"hidden_0","trainable":true,'
    b'"dtype":"float32","units":300,"activation":"relu","use_bias":true,"kernel_initializer":{'
    b'"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},'
    b'"registered_name":null},"bias_initializer":{"module":"keras.initializers","class_name":"Zeros"'
    b',"config":{},"registered_name":null},"kernel_regularizer":null,"bias_regularizer":null,'
    b'"activity_regularizer":null,"kernel_constraint":null,"bias_constraint":null},'
    b'"registered_name":null,"name":"hidden_1","inbound_nodes":[[["hidden_0",0,0,{}]]]},'
    b'{"module":"keras.layers","class_name":"Dense","config":{"name":"outputs","trainable":true,'
    b'"dtype":"float32","units":10,"activation":"linear","use_bias":true,"kernel_initializer":{'
    b'"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},'
    b'"registered_name":null},"bias_initializer":{"module":"keras.initializers","class_name":"Zeros"'
    b',"config":{},"registered_name":null},"kernel_regularizer":null,"bias_regularizer":null,'
    b'"activity_regularizer":null,"kernel_constraint":null,"bias_constraint":null},'
    b'"registered_name":null,"name":"outputs","inbound_nodes":[[["hidden_1",0,0,{}]]]}],'
    b'"input_layers":{"image":["image",0,0]},"output_layers":[["outputs",0,0]]}}'
)


def pack(model: tf_keras.Model) -> bytes:
    """Return the description of a model's layers.

    Raises
    ------
    InputError
        If the model is not a graph of layers, or has one that holds code.
    """
    if type(model).__name__ not in _GRAPHS:
        raise InputError(
            "The model has no description of its layers.",
            expected="a functional or sequential model",
            got=type(model).__name__,
            remedy="Build it by tf_keras.Model(inputs, outputs).",
        )
    described = json.loads(model.to_json())
    _refuse_code(described)
    text = json.dumps(_without(described), separators=_SEPARATORS, ensure_ascii=False)
    packer = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, 9, zdict=_KNOWN)
    return packer.compress(text.encode()) + packer.flush()


def unpack(data: bytes) -> tf_keras.Model:
    """Return a model of the layers that `pack` described, with new weights."""
    for module in _LAYERS_IN:
        importlib.import_module(module)

    unpacker = zlib.decompressobj(_WINDOW, zdict=_KNOWN)
    text = (unpacker.decompress(data) + unpacker.flush()).decode()
    _refuse_code(json.loads(text))
    return tf_keras.models.model_from_json(text)


def _without(value: Any) -> Any:
    """Return a description without what is left out."""
    if isinstance(value, list):
        return [_without(item) for item in value]
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in _LEFT_OUT}
    return value


def _refuse_code(value: Any) -> None:
    """Raise an error for a layer that Keras describes by the bytecode of a function."""
    if isinstance(value, dict):
        if value.get("class_name") == "Lambda":
            raise InputError(
                "A layer is a function, which a file of weights must not carry.",
                expected="layers that are registered by name",
                got=f"the Lambda layer {value.get('config', {}).get('name')!r}",
                remedy="Make it a class with tf_keras.utils.register_keras_serializable.",
            )
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _refuse_code(item)
