package notify

import (
	"context"
	"errors"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Message is what goes out through a channel: one notice, or a summary of several.
type Message struct {
	// ID is the same for the same message: by it the receiver can tell a repeat.
	ID      string
	Channel string
	Notice  models.Notice // of a summary: the worst one
	// More are the other notices that a summary stands for, worst first.
	More []models.Notice
	// Still is the picture of the alarm, a JPEG; nil when there is none or it is not asked for.
	Still []byte
	// Console is the address of the console, without a slash at its end; empty when nobody
	// has configured it.
	Console string
	// Place is whose wall clock the words of the message go by.
	Place *time.Location
}

// Sender is one way out of the house.
type Sender interface {
	// Deliver returns nil when the receiver has taken the message. It ends when ctx does.
	// The error is ErrPermanent when the same message would be refused for ever, and
	// ErrPartly when some receivers have taken it and the others never will; another one is
	// tried again.
	Deliver(ctx context.Context, m Message) error
}

var (
	// ErrPermanent says that trying again would change nothing.
	ErrPermanent = errors.New("refused for good")
	// ErrPartly says that not everybody who was to be told could be.
	ErrPartly = errors.New("not everybody was told")
)

// busy is an error of a receiver that says when to come again.
type busy struct {
	error
	after time.Duration
}

func (b busy) Unwrap() error { return b.error }
