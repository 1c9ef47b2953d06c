package storage

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// fill puts rows into an index in few transactions: one incident a minute over 50
// cameras, of which all but the newest hundred or so are closed, each with a path of 60
// points. It is the shape of a busy site's past.
func fill(b *testing.B, x *sqlIndex, rows int) {
	b.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	const batch = 1000
	for from := 0; from < rows; from += batch {
		err := x.inTx(b.Context(), func(tx *sql.Tx) error {
			for n := from; n < min(rows, from+batch); n++ {
				in := incident(n)
				in.Camera = models.CameraID(fmt.Sprintf("camera-%d", rng.IntN(50)))
				in.Kind, in.Severity = pick(rng, kinds), pick(rng, severities)
				in.State = models.StateClosed
				if n > rows-100 {
					in.State = models.StateNew
				}
				in.End = in.Alarm.Add(time.Duration(rng.IntN(600)) * time.Second)
				for range 60 {
					in.Events[0].Path = append(in.Events[0].Path, in.Events[0].Path[0])
				}
				if err := x.insert(b.Context(), tx, in); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if _, err := x.write.Exec("ANALYZE"); err != nil {
		b.Fatal(err)
	}
}
