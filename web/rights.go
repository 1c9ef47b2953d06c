package web

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

// rightKey is where an operation keeps the right that it takes.
const rightKey = "vedette.right"

// needs marks an operation with the right that whoever asks must have.
func needs(right models.Right, op huma.Operation) huma.Operation {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[rightKey] = right
	return op
}
