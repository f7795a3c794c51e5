package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgtest"
)

const (
	annID  = 101
	benID  = 102
	phone  = "15550101"
	code   = "12345"
	dcID   = 2
	access = 7700770077
)

// world is what ann's account holds: her chat with ben, and the log of her message box.
type world struct {
	mu       sync.Mutex
	pts      int
	lastID   int
	messages []*tg.Message
	log      []tg.UpdateClass // log[i] took pts from i+1 to i+2
	sessions map[int64]tgtest.Session
	out      *json.Encoder
}

func newWorld() *world {
	return &world{pts: 1, sessions: map[int64]tgtest.Session{}, out: json.NewEncoder(os.Stdout)}
}

// say tells the test what happened, a line of JSON each.
func (w *world) say(what string, fields map[string]any) {
	fields["event"] = what
	_ = w.out.Encode(fields)
}

func ann() *tg.User {
	u := &tg.User{Self: true, Contact: true, ID: annID}
	u.SetAccessHash(access)
	u.SetFirstName("Ann")
	u.SetUsername("ann_gotd")
	u.SetPhone(phone)
	u.SetStatus(&tg.UserStatusRecently{})
	return u
}

func ben() *tg.User {
	u := &tg.User{ID: benID}
	u.SetAccessHash(access)
	u.SetFirstName("Ben")
	u.SetUsername("ben_gotd")
	u.SetStatus(&tg.UserStatusRecently{})
	return u
}

func users() []tg.UserClass {
	return []tg.UserClass{ann(), ben()}
}

func now() int {
	return int(time.Now().Unix())
}

func (w *world) state() *tg.UpdatesState {
	return &tg.UpdatesState{Pts: w.pts, Date: now(), Seq: 1}
}

// add puts a message into the chat with ben; it and the update that tells of it.
func (w *world) add(text string, out bool, entities []tg.MessageEntityClass) (*tg.Message, tg.UpdateClass) {
	w.lastID++
	m := &tg.Message{Out: out, ID: w.lastID, PeerID: &tg.PeerUser{UserID: benID}, Date: now(), Message: text}
	from := int64(benID)
	if out {
		from = annID
	}
	m.SetFromID(&tg.PeerUser{UserID: from})
	if len(entities) > 0 {
		m.SetEntities(entities)
	}
	w.messages = append(w.messages, m)
	w.pts++
	u := &tg.UpdateNewMessage{Message: m, Pts: w.pts, PtsCount: 1}
	w.log = append(w.log, u)
	return m, u
}

func (w *world) find(id int) *tg.Message {
	for _, m := range w.messages {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// edit changes a message's text; the update that tells of it.
func (w *world) edit(m *tg.Message, text string) tg.UpdateClass {
	changed := *m
	changed.Message = text
	changed.SetEditDate(now())
	*m = changed
	w.pts++
	u := &tg.UpdateEditMessage{Message: &changed, Pts: w.pts, PtsCount: 1}
	w.log = append(w.log, u)
	return u
}

// remove deletes a message; the update that tells of it.
func (w *world) remove(id int) tg.UpdateClass {
	for i, m := range w.messages {
		if m.ID == id {
			w.messages = append(w.messages[:i], w.messages[i+1:]...)
			break
		}
	}
	w.pts++
	u := &tg.UpdateDeleteMessages{Messages: []int{id}, Pts: w.pts, PtsCount: 1}
	w.log = append(w.log, u)
	return u
}

func (w *world) read(maxID int, outbox bool) tg.UpdateClass {
	w.pts++
	var u tg.UpdateClass
	if outbox {
		u = &tg.UpdateReadHistoryOutbox{Peer: &tg.PeerUser{UserID: benID}, MaxID: maxID, Pts: w.pts, PtsCount: 1}
	} else {
		u = &tg.UpdateReadHistoryInbox{Peer: &tg.PeerUser{UserID: benID}, MaxID: maxID, Pts: w.pts, PtsCount: 1}
	}
	w.log = append(w.log, u)
	return u
}

// since is what happened after pts, as a difference.
func (w *world) since(pts int) tg.UpdatesDifferenceClass {
	if pts >= w.pts {
		return &tg.UpdatesDifferenceEmpty{Date: now(), Seq: 1}
	}
	d := &tg.UpdatesDifference{Users: users(), State: *w.state()}
	for _, u := range w.log[max(pts, 1)-1:] {
		if n, ok := u.(*tg.UpdateNewMessage); ok {
			d.NewMessages = append(d.NewMessages, n.Message)
		} else {
			d.OtherUpdates = append(d.OtherUpdates, u)
		}
	}
	return d
}

func wrap(updates ...tg.UpdateClass) *tg.Updates {
	return &tg.Updates{Updates: updates, Users: users(), Date: now()}
}
