// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import "unsafe"

// Float16 holds the bits of an IEEE binary16.
type Float16 uint16

// BFloat16 holds the bits of a bfloat16: the upper half of a float32.
type BFloat16 uint16

// Element is a number type of matrices. Weights and activations are floats of any width; codes are
// integers; inputs of products are float32 or BFloat16.
type Element interface {
	float64 | float32 | Float16 | BFloat16 | int8 | int16 | int32
}

// Matrix is a slice as a matrix, row after row. It shares the memory of the slice.
type Matrix struct {
	// data points at the first element, and keeps the slice alive.
	data  unsafe.Pointer
	bytes uintptr
	shape C.bridge_shape
}

// NewMatrix returns a matrix of exactly the elements of a slice.
func NewMatrix[T Element](data []T, rows, columns int) (Matrix, error) {
	if rows <= 0 || columns <= 0 || len(data)%columns != 0 || len(data)/columns != rows {
		return Matrix{}, failure(ErrShape, "a matrix of %d x %d on a slice of %d elements", rows,
			columns, len(data))
	}
	return matrix(data, rows, columns, columns), nil
}

// NewMatrixStride returns a matrix whose rows begin every stride elements of a slice.
func NewMatrixStride[T Element](data []T, rows, columns, stride int) (Matrix, error) {
	if rows <= 0 || columns <= 0 || stride < columns || len(data) < columns ||
		(len(data)-columns)/stride < rows-1 {
		return Matrix{}, failure(ErrShape,
			"a matrix of %d x %d at a stride of %d on a slice of %d elements", rows, columns, stride,
			len(data))
	}
	return matrix(data, rows, columns, stride), nil
}

func matrix[T Element](data []T, rows, columns, stride int) Matrix {
	return Matrix{
		data:  unsafe.Pointer(&data[0]),
		bytes: uintptr((rows-1)*stride+columns) * unsafe.Sizeof(data[0]),
		shape: C.bridge_shape{
			rows:       C.size_t(rows),
			columns:    C.size_t(columns),
			row_stride: C.size_t(stride),
			dtype:      dtype[T](),
		},
	}
}

func dtype[T Element]() C.uint32_t {
	var zero T
	switch any(zero).(type) {
	case float64:
		return C.WSIC_F64
	case float32:
		return C.WSIC_F32
	case Float16:
		return C.WSIC_F16
	case BFloat16:
		return C.WSIC_BF16
	case int8:
		return C.WSIC_I8
	case int16:
		return C.WSIC_I16
	default:
		return C.WSIC_I32
	}
}

// Rows returns the number of rows.
func (m Matrix) Rows() int {
	return int(m.shape.rows)
}

// Columns returns the number of columns.
func (m Matrix) Columns() int {
	return int(m.shape.columns)
}

// check refuses the zero value, which has no memory.
func (m Matrix) check(what string) error {
	if m.data == nil {
		return failure(ErrArgument, "%s is a matrix without elements", what)
	}
	return nil
}

// overlaps tells whether two matrices share memory.
func (m Matrix) overlaps(other Matrix) bool {
	a, b := uintptr(m.data), uintptr(other.data)
	return a < b+other.bytes && b < a+m.bytes
}

// checkWeights refuses weights that are not one for each token.
func checkWeights(weights []float64, tokens int) error {
	if weights != nil && len(weights) != tokens {
		return failure(ErrShape, "%d weights for %d tokens", len(weights), tokens)
	}
	return nil
}
