package session

import (
	"errors"
	"time"

	"kaiwa/pkg/wire"
)

// Event is something to show: one of the struct types of this file.
type Event interface{ event() }

type (
	// Asked says that a prompt's turn has come.
	Asked struct{ ID, Text string }

	// Overheard is a prompt that another client sent into the conversation; "" if its
	// text is not known. Its reply follows.
	Overheard struct {
		wire.Ref
		Text string
	}

	// Text is what follows the text of a reply shown so far.
	Text struct {
		wire.Ref
		Text string
	}

	// Waiting says that a reply is still being made, though without new text.
	Waiting struct {
		wire.Ref
		For time.Duration
	}

	// Ended is the end of a reply. It comes twice if the first one was not Saved:
	// the second is the one that counts.
	Ended struct {
		wire.End
		// Cut is how many code points, from the end, of what was shown are not
		// part of the reply after all.
		Cut int
		// Err is why the reply was interrupted, nil where nobody said.
		Err error
	}

	// Delayed says that a prompt was refused for now and will be sent again.
	Delayed struct {
		ID  string
		In  time.Duration
		Err error
	}

	// Refused says that a prompt gets no reply. Err is a wire.Error, ErrStopped,
	// ErrNoAnswer, or says that the prompt is too large.
	Refused struct {
		ID, Text string
		Err      error
	}

	// Trouble is an error to show that ends nothing.
	Trouble struct{ Err error }

	// Notified is a notification.
	Notified struct{ wire.Notification }

	// Unheard says that a topic of Options.Topics cannot be subscribed to. Err names
	// it too.
	Unheard struct {
		Topic string
		Err   error
	}

	// Listed answers List.
	Listed struct{ wire.ConversationsPage }

	// Showed answers Open: the newest messages, newest first, without the newest
	// reply, which follows as Text.
	Showed struct{ wire.HistoryPage }

	// Titled says that a conversation has another title.
	Titled struct{ wire.Renamed }

	// Lost says that there is no connection; the next attempt is made after In.
	Lost struct {
		Err error
		Try int // 1 for the first attempt
		In  time.Duration
	}

	// Back says that there is a connection again.
	Back struct{}

	// Gone says that the session is over: it may not connect, or could not for
	// Options.GiveUp. It is the last event.
	Gone struct{ Err error }
)

var (
	// ErrStopped is why a prompt is Refused that was stopped before it was accepted.
	ErrStopped = errors.New("stopped")
	// ErrNoAnswer is why a prompt is Refused that the service never answered.
	ErrNoAnswer = errors.New("the service does not answer; send it again")
	// ErrRunning refuses to leave a conversation whose reply is still running.
	ErrRunning = errors.New("a reply is still running; stop it first")
	// ErrOpening refuses to name a conversation while another is being opened.
	ErrOpening = errors.New("a conversation is being opened; try again in a moment")
	// ErrNothing refuses to name a conversation that has not begun.
	ErrNothing = errors.New("there is no conversation yet; say something first")
	// ErrOffline refuses what makes no sense without a connection.
	ErrOffline = errors.New("not connected; try again in a moment")
)

func (Asked) event()     {}
func (Overheard) event() {}
func (Text) event()      {}
func (Waiting) event()   {}
func (Ended) event()     {}
func (Delayed) event()   {}
func (Refused) event()   {}
func (Trouble) event()   {}
func (Notified) event()  {}
func (Unheard) event()   {}
func (Listed) event()    {}
func (Showed) event()    {}
func (Titled) event()    {}
func (Lost) event()      {}
func (Back) event()      {}
func (Gone) event()      {}
