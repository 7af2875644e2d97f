// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import "unsafe"

// Layer is a quantized layer (watersic/layer.h). It never changes, and any number of goroutines may
// read it at the same time.
type Layer struct {
	*shared[*C.wsic_layer]
}

// newLayer takes over a layer of a context that serves nothing but layers.
func newLayer(raw *C.wsic_layer) *Layer {
	return &Layer{newShared("the layer", raw, func(raw *C.wsic_layer) {
		C.wsic_layer_destroy(raw)
	})}
}

// NewLayer makes a layer from its bytes, which may come from an untrusted source. They are copied.
func NewLayer(bytes []byte) (*Layer, error) {
	return makeLayer(func(context *C.wsic_context, out **C.wsic_layer) C.wsic_status {
		data := address(bytes)
		if data == nil {
			// NULL would be another error than bytes that end too early.
			data = unsafe.Pointer(new(byte))
		}
		return C.wsic_layer_create(context, data, C.size_t(len(bytes)), out)
	})
}

// copyLayer makes a layer with the bytes of another one.
func copyLayer(raw *C.wsic_layer) (*Layer, error) {
	return makeLayer(func(context *C.wsic_context, out **C.wsic_layer) C.wsic_status {
		data, count := layerBytes(raw)
		return C.wsic_layer_create(context, data, count, out)
	})
}

// makeLayer makes a layer on a context of its own, which lives as long as the layer.
func makeLayer(create func(*C.wsic_context, **C.wsic_layer) C.wsic_status) (*Layer, error) {
	var raw *C.wsic_layer
	err := onContext(func(context *C.wsic_context) C.wsic_status { return create(context, &raw) })
	if err != nil {
		return nil, err
	}
	return newLayer(raw), nil
}

func layerBytes(raw *C.wsic_layer) (unsafe.Pointer, C.size_t) {
	var data unsafe.Pointer
	var count C.size_t
	C.wsic_layer_get_bytes(raw, &data, &count)
	return data, count
}

// read calls the library. A call that fails is repeated on a view, because other goroutines may
// replace the message of this layer.
func (l *Layer) read(call func(*C.wsic_layer) C.wsic_status) error {
	return l.use(func(layer *C.wsic_layer) error {
		if call(layer) >= 0 {
			return nil
		}
		return onView(layer, call)
	})
}

// onView calls the library on another layer with the same bytes, whose context nothing else uses.
func onView(layer *C.wsic_layer, call func(*C.wsic_layer) C.wsic_status) error {
	return onContext(func(context *C.wsic_context) C.wsic_status {
		data, count := layerBytes(layer)
		var view *C.wsic_layer
		if status := C.wsic_layer_create_view(context, data, count, &view); status < 0 {
			return status
		}
		defer C.wsic_layer_destroy(view)
		return call(view)
	})
}

// LayerInfo holds facts about a layer (wsic_layer_info).
type LayerInfo struct {
	Rows, Columns, Bytes, BytesCodes, BytesSide, BlockRows uint64
	Rate, RateCodes, RateSide, RateTarget                  float64
	Step, EntropyPooled, Distortion, RelativeDistortion    float64
	LimitRate, Gap, Damping                                float64
	DampingRetries, DeadColumns, DeadRows, LiveColumns     uint64
	Memory                                                 uint64
	CodesFitI4                                             bool
}

// Info returns facts about the layer.
func (l *Layer) Info() (LayerInfo, error) {
	var i C.wsic_layer_info
	i.size = C.sizeof_wsic_layer_info
	err := l.read(func(layer *C.wsic_layer) C.wsic_status {
		return C.wsic_layer_get_info(layer, &i)
	})
	if err != nil {
		return LayerInfo{}, err
	}
	return LayerInfo{
		Rows: uint64(i.rows), Columns: uint64(i.columns), Bytes: uint64(i.bytes),
		BytesCodes: uint64(i.bytes_codes), BytesSide: uint64(i.bytes_side),
		BlockRows: uint64(i.block_rows), Rate: float64(i.rate), RateCodes: float64(i.rate_codes),
		RateSide: float64(i.rate_side), RateTarget: float64(i.rate_target), Step: float64(i.step),
		EntropyPooled: float64(i.entropy_pooled), Distortion: float64(i.distortion),
		RelativeDistortion: float64(i.relative_distortion), LimitRate: float64(i.limit_rate),
		Gap: float64(i.gap), Damping: float64(i.damping), DampingRetries: uint64(i.damping_retries),
		DeadColumns: uint64(i.dead_columns), DeadRows: uint64(i.dead_rows),
		LiveColumns: uint64(i.live_columns), Memory: uint64(i.memory), CodesFitI4: i.codes_fit_i4 != 0,
	}, nil
}

// Bytes returns a copy of the bytes of the layer, to be written to a file.
func (l *Layer) Bytes() ([]byte, error) {
	var bytes []byte
	err := l.read(func(layer *C.wsic_layer) C.wsic_status {
		data, count := layerBytes(layer)
		bytes = append(bytes, unsafe.Slice((*byte)(data), int(count))...)
		return C.WSIC_OK
	})
	return bytes, err
}

// Dequantize restores rows from firstRow on, as many as weights has.
func (l *Layer) Dequantize(firstRow int, weights Matrix) error {
	return l.fill(firstRow, weights, "weights",
		func(layer *C.wsic_layer, first C.size_t) C.wsic_status {
			return C.bridge_dequantize(layer, first, weights.data, weights.shape)
		})
}

// Codes decodes the codes of rows from firstRow on, as many as codes has: int8, int16 or int32.
func (l *Layer) Codes(firstRow int, codes Matrix) error {
	return l.fill(firstRow, codes, "codes",
		func(layer *C.wsic_layer, first C.size_t) C.wsic_status {
			return C.bridge_get_codes(layer, first, codes.data, codes.shape)
		})
}

func (l *Layer) fill(firstRow int, matrix Matrix, what string,
	call func(*C.wsic_layer, C.size_t) C.wsic_status) error {
	first, err := size("the first row", firstRow)
	if err != nil {
		return err
	}
	if err := matrix.check(what); err != nil {
		return err
	}
	return l.read(func(layer *C.wsic_layer) C.wsic_status { return call(layer, first) })
}

// CodeRange returns the least and the greatest code.
func (l *Layer) CodeRange() (least, greatest int32, err error) {
	var low, high C.int32_t
	err = l.read(func(layer *C.wsic_layer) C.wsic_status {
		return C.wsic_layer_get_code_range(layer, &low, &high)
	})
	return int32(low), int32(high), err
}

// Matmul computes Y = X Ŵᵀ for the rows from firstRow on, as many as y has columns: one token in
// each row of x and y. x is float32 or BFloat16, y is float32. They must not share memory.
func (l *Layer) Matmul(firstRow int, x, y Matrix) error {
	first, err := size("the first row", firstRow)
	if err != nil {
		return err
	}
	if err := x.check("x"); err != nil {
		return err
	}
	if err := y.check("y"); err != nil {
		return err
	}
	if x.overlaps(y) {
		return failure(ErrArgument, "x and y share memory")
	}
	return l.read(func(layer *C.wsic_layer) C.wsic_status {
		return C.bridge_matmul(layer, first, x.data, x.shape, y.data, y.shape)
	})
}

// Matvec computes y = Ŵ x for one token.
func (l *Layer) Matvec(x, y []float32) error {
	input, err := NewMatrix(x, 1, len(x))
	if err != nil {
		return err
	}
	output, err := NewMatrix(y, 1, len(y))
	if err != nil {
		return err
	}
	info, err := l.Info()
	if err != nil {
		return err
	}
	if uint64(len(x)) != info.Columns || uint64(len(y)) != info.Rows {
		return failure(ErrShape, "the layer has %d columns and %d rows, x has %d and y %d elements",
			info.Columns, info.Rows, len(x), len(y))
	}
	return l.Matmul(0, input, output)
}

// RowScales returns one scale for each row.
func (l *Layer) RowScales() ([]float32, error) {
	return copied[float32](l, func(layer *C.wsic_layer, info *C.wsic_layer_info) (unsafe.Pointer, C.uint64_t) {
		return unsafe.Pointer(C.wsic_layer_row_scales(layer)), info.rows
	})
}

// ColumnScales returns one scale for each column.
func (l *Layer) ColumnScales() ([]float32, error) {
	return copied[float32](l, func(layer *C.wsic_layer, info *C.wsic_layer_info) (unsafe.Pointer, C.uint64_t) {
		return unsafe.Pointer(C.wsic_layer_column_scales(layer)), info.columns
	})
}

// ColumnOrder returns the columns in the order in which they are coded.
func (l *Layer) ColumnOrder() ([]uint32, error) {
	return copied[uint32](l, func(layer *C.wsic_layer, info *C.wsic_layer_info) (unsafe.Pointer, C.uint64_t) {
		return unsafe.Pointer(C.wsic_layer_column_order(layer)), info.live_columns
	})
}

// copied returns a copy of an array that the layer owns.
func copied[T any](l *Layer, array func(*C.wsic_layer, *C.wsic_layer_info) (unsafe.Pointer,
	C.uint64_t)) ([]T, error) {
	var elements []T
	err := l.read(func(layer *C.wsic_layer) C.wsic_status {
		var info C.wsic_layer_info
		info.size = C.sizeof_wsic_layer_info
		status := C.wsic_layer_get_info(layer, &info)
		if status == C.WSIC_OK {
			data, count := array(layer, &info)
			elements = append(elements, unsafe.Slice((*T)(data), int(count))...)
		}
		return status
	})
	return elements, err
}

// WithScales makes a layer with the same codes and other scales; nil keeps those of this layer.
func (l *Layer) WithScales(rows, columns []float32) (*Layer, error) {
	info, err := l.Info()
	if err != nil {
		return nil, err
	}
	if rows != nil && uint64(len(rows)) != info.Rows {
		return nil, failure(ErrShape, "%d row scales for a layer with %d", len(rows), info.Rows)
	}
	if columns != nil && uint64(len(columns)) != info.Columns {
		return nil, failure(ErrShape, "%d column scales for a layer with %d", len(columns),
			info.Columns)
	}
	var raw *C.wsic_layer
	err = l.use(func(layer *C.wsic_layer) error {
		// The call uses the context of its layer, and that of a view is free.
		return onView(layer, func(view *C.wsic_layer) C.wsic_status {
			return C.wsic_layer_create_with_scales(view, (*C.float)(address(rows)),
				(*C.float)(address(columns)), &raw)
		})
	})
	if err != nil {
		return nil, err
	}
	return newLayer(raw), nil
}
