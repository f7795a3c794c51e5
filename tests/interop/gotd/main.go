// Gotd-server is gotd's tgtest with one account and one chat behind it, for a client that gotd did not write.
//
//	gotd-server DIR
//
// writes DIR/servers.json (for tgd --servers) and says on stdout, a line of JSON each, what the client did. A line of
// JSON on stdin is what ben does: {"do":"send","text":…}, {"do":"edit","id":…,"text":…}, {"do":"delete","id":…},
// {"do":"read","id":…}, {"do":"silent","text":…} (a message that no push tells of). It ends with stdin.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gotd/td/proto"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgtest"
	"github.com/gotd/td/transport"
)

// sessionIDs makes message ids. With new_session_created tgtest names an id of its own "now" as the first of the
// session: the client's first message would be older than that, and a client has to take it for lost. A real server names
// that message, so here it is named by an id of a minute ago.
type sessionIDs struct {
	*proto.MessageIDGen
}

func (s sessionIDs) New(t proto.MessageType) int64 {
	if t == proto.MessageFromClient {
		return int64(proto.NewMessageID(time.Now().Add(-time.Minute), t))
	}
	return s.MessageIDGen.New(t)
}

type act struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	ID   int    `json:"id"`
}

// do is something that ben did: the update that tells of it, nil if none shall.
func (w *world) do(a act) (tg.UpdateClass, error) {
	switch a.Do {
	case "send", "silent":
		m, u := w.add(a.Text, false, nil)
		w.say("done", map[string]any{"id": m.ID})
		if a.Do == "silent" {
			return nil, nil
		}
		return u, nil
	case "edit":
		if m := w.find(a.ID); m != nil {
			return w.edit(m, a.Text), nil
		}
	case "delete":
		return w.remove(a.ID), nil
	case "read":
		return w.read(a.ID, true), nil
	}
	return nil, fmt.Errorf("cannot do %+v", a)
}

func (w *world) acts(ctx context.Context, server *tgtest.Server) error {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var a act
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return err
		}
		w.mu.Lock()
		u, err := w.do(a)
		if err == nil && u != nil {
			for _, session := range w.sessions {
				_ = server.Send(ctx, session, tgtest.MessageFromServer, wrap(u)) // its connection may be gone
			}
		}
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func writeServers(dir string, port int, key *rsa.PublicKey) error {
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})
	data, err := json.Marshal(map[string]any{
		"dcs":      []any{map[string]any{"id": dcID, "ip": "127.0.0.1", "port": port}},
		"rsa_keys": []string{string(text)},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "servers.json"), data, 0o600)
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: gotd-server DIR")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	w := newWorld()
	cfg := &tg.Config{Date: now(), Expires: now() + 3600, ThisDC: dcID, DCTxtDomainName: "localhost",
		MessageLengthMax: 4096, CaptionLengthMax: 1024, MeURLPrefix: "https://t.me/",
		DCOptions: []tg.DCOption{{ID: dcID, IPAddress: "127.0.0.1", Port: port}}}
	server := tgtest.NewServer(tgtest.NewPrivateKey(key), tgtest.UnpackInvoke(w.handlers(cfg)),
		tgtest.ServerOptions{DC: dcID, MessageID: sessionIDs{proto.NewMessageIDGen(time.Now)}})
	if err := writeServers(os.Args[1], port, &key.PublicKey); err != nil {
		return err
	}
	w.say("ready", map[string]any{"port": port})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		if err := server.Serve(ctx, transport.Listen(tcp)); err != nil {
			fmt.Fprintln(os.Stderr, "gotd-server:", err)
		}
	}()
	return w.acts(ctx, server)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gotd-server:", err)
		os.Exit(1)
	}
}
