package storage

import (
	"context"
	"iter"

	"github.com/vedette-cctv/vedette/models"
)

// Walk lists everything that fits a query, page by page, so that memory does not grow
// with the length of the list. list is an Index's List. After an error the sequence ends.
func Walk(ctx context.Context, list func(context.Context, Query) (Page, error), q Query) iter.Seq2[models.Incident, error] {
	return func(yield func(models.Incident, error) bool) {
		q.Limit = MaxLimit
		for {
			page, err := list(ctx, q)
			if err != nil {
				yield(models.Incident{}, err)
				return
			}
			for _, in := range page.Items {
				if !yield(in, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}
