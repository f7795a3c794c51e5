package main

import (
	"fmt"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"
	"github.com/gotd/td/tgtest"
)

// on registers a handler of one method: its request is decoded, its answer is sent.
func on[R any, P interface {
	*R
	bin.Decoder
}](d *tgtest.Dispatcher, id uint32, f func(req *tgtest.Request, r P) (bin.Encoder, error)) {
	d.HandleFunc(id, func(s *tgtest.Server, req *tgtest.Request) error {
		r := P(new(R))
		if err := r.Decode(req.Buf); err != nil {
			return fmt.Errorf("decode %T: %w", r, err)
		}
		answer, err := f(req, r)
		if err != nil {
			return err
		}
		return s.SendResult(req, answer)
	})
}

type vector []bin.Encoder

func (v vector) Encode(b *bin.Buffer) error {
	b.PutVectorHeader(len(v))
	for _, e := range v {
		if err := e.Encode(b); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) handlers(cfg *tg.Config) *tgtest.Dispatcher {
	d := tgtest.NewDispatcher()
	d.Fallback(tgtest.HandlerFunc(w.other))
	d.Result(tg.HelpGetConfigRequestTypeID, cfg)
	w.authHandlers(d)
	w.userHandlers(d)
	w.messageHandlers(d)
	return d
}

// other takes what nothing else does: acks need no answer, any other method is not known here.
func (w *world) other(_ *tgtest.Server, req *tgtest.Request) error {
	id, err := req.Buf.PeekID()
	if err != nil {
		return err
	}
	if id == mt.MsgsAckTypeID || id == mt.HTTPWaitRequestTypeID {
		return nil
	}
	w.say("unknown", map[string]any{"id": fmt.Sprintf("%#x", id), "name": tg.TypesMap()[id]})
	return tgerr.New(400, "METHOD_INVALID")
}

func (w *world) authHandlers(d *tgtest.Dispatcher) {
	on(d, tg.AuthSendCodeRequestTypeID, func(_ *tgtest.Request, r *tg.AuthSendCodeRequest) (bin.Encoder, error) {
		if r.PhoneNumber != phone {
			return nil, tgerr.New(400, "PHONE_NUMBER_INVALID")
		}
		return &tg.AuthSentCode{Type: &tg.AuthSentCodeTypeApp{Length: len(code)}, PhoneCodeHash: "hash"}, nil
	})
	on(d, tg.AuthSignInRequestTypeID, func(_ *tgtest.Request, r *tg.AuthSignInRequest) (bin.Encoder, error) {
		given, _ := r.GetPhoneCode()
		if r.PhoneCodeHash != "hash" || given != code {
			return nil, tgerr.New(400, "PHONE_CODE_INVALID")
		}
		return &tg.AuthAuthorization{User: ann()}, nil
	})
	on(d, tg.AuthLogOutRequestTypeID, func(_ *tgtest.Request, _ *tg.AuthLogOutRequest) (bin.Encoder, error) {
		w.say("loggedOut", map[string]any{})
		return &tg.AuthLoggedOut{}, nil
	})
}

func (w *world) userHandlers(d *tgtest.Dispatcher) {
	on(d, tg.UsersGetUsersRequestTypeID, func(_ *tgtest.Request, r *tg.UsersGetUsersRequest) (bin.Encoder, error) {
		v := vector{}
		for _, id := range r.ID {
			if other, ok := id.(*tg.InputUser); ok && other.UserID == benID {
				v = append(v, ben())
			} else {
				v = append(v, ann())
			}
		}
		return v, nil
	})
	on(d, tg.UsersGetFullUserRequestTypeID, func(_ *tgtest.Request, _ *tg.UsersGetFullUserRequest) (bin.Encoder, error) {
		return &tg.UsersUserFull{FullUser: tg.UserFull{ID: annID}, Users: users()}, nil
	})
	on(d, tg.ContactsResolveUsernameRequestTypeID,
		func(_ *tgtest.Request, r *tg.ContactsResolveUsernameRequest) (bin.Encoder, error) {
			if r.Username != "ben_gotd" {
				return nil, tgerr.New(400, "USERNAME_NOT_OCCUPIED")
			}
			return &tg.ContactsResolvedPeer{Peer: &tg.PeerUser{UserID: benID}, Users: users()}, nil
		})
	on(d, tg.UpdatesGetStateRequestTypeID, func(req *tgtest.Request, _ *tg.UpdatesGetStateRequest) (bin.Encoder, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.listen(req)
		return w.state(), nil
	})
	on(d, tg.UpdatesGetDifferenceRequestTypeID,
		func(req *tgtest.Request, r *tg.UpdatesGetDifferenceRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.listen(req)
			return w.since(r.Pts), nil
		})
}

// listen notes the session that wants the pushes. tgtest does not bind a session to a new connection.
func (w *world) listen(req *tgtest.Request) {
	if _, known := w.sessions[req.Session.ID]; !known {
		w.sessions[req.Session.ID] = req.Session
		w.say("listening", map[string]any{})
	}
}

func (w *world) messageHandlers(d *tgtest.Dispatcher) {
	on(d, tg.MessagesGetDialogsRequestTypeID,
		func(_ *tgtest.Request, _ *tg.MessagesGetDialogsRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			r := &tg.MessagesDialogs{Users: users(),
				Dialogs: []tg.DialogClass{&tg.Dialog{Peer: &tg.PeerUser{UserID: benID}, TopMessage: w.lastID}}}
			if m := w.find(w.lastID); m != nil {
				r.Messages = append(r.Messages, m)
			}
			return r, nil
		})
	on(d, tg.MessagesGetHistoryRequestTypeID,
		func(_ *tgtest.Request, _ *tg.MessagesGetHistoryRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			r := &tg.MessagesMessages{Users: users()}
			for i := len(w.messages) - 1; i >= 0; i-- {
				r.Messages = append(r.Messages, w.messages[i])
			}
			return r, nil
		})
	on(d, tg.MessagesSendMessageRequestTypeID,
		func(_ *tgtest.Request, r *tg.MessagesSendMessageRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			m, u := w.add(r.Message, true, r.Entities)
			w.say("sent", map[string]any{"id": m.ID, "text": m.Message})
			return wrap(&tg.UpdateMessageID{ID: m.ID, RandomID: r.RandomID}, u), nil
		})
	on(d, tg.MessagesEditMessageRequestTypeID,
		func(_ *tgtest.Request, r *tg.MessagesEditMessageRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			m := w.find(r.ID)
			if m == nil {
				return nil, tgerr.New(400, "MESSAGE_ID_INVALID")
			}
			w.say("edited", map[string]any{"id": m.ID, "text": r.Message})
			return wrap(w.edit(m, r.Message)), nil
		})
	on(d, tg.MessagesDeleteMessagesRequestTypeID,
		func(_ *tgtest.Request, r *tg.MessagesDeleteMessagesRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			before := w.pts
			for _, id := range r.ID {
				w.remove(id)
			}
			w.say("deleted", map[string]any{"ids": r.ID})
			return &tg.MessagesAffectedMessages{Pts: w.pts, PtsCount: w.pts - before}, nil
		})
	on(d, tg.MessagesReadHistoryRequestTypeID,
		func(_ *tgtest.Request, r *tg.MessagesReadHistoryRequest) (bin.Encoder, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.read(r.MaxID, false)
			w.say("read", map[string]any{"max_id": r.MaxID})
			return &tg.MessagesAffectedMessages{Pts: w.pts, PtsCount: 1}, nil
		})
}
