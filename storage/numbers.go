package storage

import (
	"context"
	"database/sql"

	"github.com/vedette-cctv/vedette/models"
)

// lastNumber returns the last number that was given and keeps others from giving one
// until the transaction ends: so a number is given once, and one that was given in vain is
// given again.
func (x *sqlIndex) lastNumber(ctx context.Context, tx *sql.Tx) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, "SELECT last FROM numbers"+x.forUpdate).Scan(&last)
	return last, err
}

// give numbers incidents that are not there yet, in their order, behind the last one.
//
// A record that was logged before, and comes from a backup or the bucket, keeps its number
// unless another has it: people and the police know it by that.
func (x *sqlIndex) give(ctx context.Context, tx *sql.Tx, last int64, list []models.Incident) error {
	before := last
	taken, err := x.taken(ctx, tx, list)
	if err != nil {
		return err
	}
	for i := range list {
		if n := list[i].Number; n > 0 && !taken[n] {
			taken[n] = true
			last = max(last, n)
		} else {
			list[i].Number = 0
		}
	}
	for i := range list {
		if list[i].Number == 0 {
			last++
			list[i].Number = last
		}
	}
	if last == before {
		return nil
	}
	w := where{bind: x.bind}
	_, err = tx.ExecContext(ctx, "UPDATE numbers SET last = "+w.arg(last), w.args...)
	return err
}

// taken says which of the numbers that the incidents come with are given already.
func (x *sqlIndex) taken(ctx context.Context, tx *sql.Tx, list []models.Incident) (map[int64]bool, error) {
	taken := map[int64]bool{}
	var numbers []any
	for _, in := range list {
		if in.Number > 0 {
			numbers = append(numbers, in.Number)
		}
	}
	if len(numbers) == 0 {
		return taken, nil
	}
	w := where{bind: x.bind}
	w.in("number", numbers)
	rows, err := tx.QueryContext(ctx, "SELECT number FROM incidents"+w.String(), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		taken[n] = true
	}
	return taken, rows.Err()
}
