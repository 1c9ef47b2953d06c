package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrCursor says that a list cursor was not made by the same kind of query.
var ErrCursor = errors.New("not a cursor of this list")

// cursor is the place of the last item of a page in its order.
type cursor struct {
	order    Order
	priority int   // only in OrderQueue
	due      int64 // likewise; µs since 1970, or noDue
	alarm    int64 // µs since 1970
	id       string
}

// maxCursor bounds what we decode; a real cursor is shorter.
const maxCursor = 512

func (c cursor) String() string {
	raw := fmt.Sprintf("%s|%d|%d|%d|%s", c.order, c.priority, c.due, c.alarm, c.id)
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

func parseCursor(s string, order Order) (cursor, error) {
	if len(s) > maxCursor {
		return cursor{}, ErrCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return cursor{}, ErrCursor
	}
	f := strings.SplitN(string(raw), "|", 5)
	if len(f) != 5 || Order(f[0]) != order || f[4] == "" {
		return cursor{}, ErrCursor
	}
	priority, err1 := strconv.Atoi(f[1])
	due, err2 := strconv.ParseInt(f[2], 10, 64)
	alarm, err3 := strconv.ParseInt(f[3], 10, 64)
	c := cursor{order, priority, due, alarm, f[4]}
	// Only the one spelling that String makes: a cursor is nobody's to compose.
	if errors.Join(err1, err2, err3) != nil || c.String() != s {
		return cursor{}, ErrCursor
	}
	return c, nil
}
