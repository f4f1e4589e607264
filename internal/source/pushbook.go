//go:build linux

package source

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/bgtask/bgtask/task"
)

// pushBook is what is known of the push channels, on disk: a distributor goes on to
// bring messages while no broker runs.
type pushBook struct {
	file        string
	loaded      bool
	Distributor string                    `json:"distributor"` // name on the bus
	Channels    map[task.GUID]pushChannel `json:"channels"`    // by registration
}

type pushChannel struct {
	Token    string `json:"token"` // between the distributor and us: who knows it can send
	Endpoint string `json:"endpoint,omitempty"`
}

func (b *pushBook) load() error {
	if b.loaded {
		return nil
	}
	data, err := os.ReadFile(b.file)
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refuse(task.ErrUnavailable, "the push channels cannot be read: %v", "move "+b.file+" away: the applications ask for new ones", err)
	}
	if b.Channels == nil {
		b.Channels = map[task.GUID]pushChannel{}
	}
	b.loaded = true
	return nil
}

func (b *pushBook) save() error {
	data, err := json.Marshal(b)
	if err == nil {
		err = renameio.WriteFile(b.file, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the push channels: %w", err)
	}
	return nil
}

// channel finds or makes one.
func (b *pushBook) channel(id task.GUID) (pushChannel, error) {
	if c, ok := b.Channels[id]; ok {
		return c, nil
	}
	c := pushChannel{Token: rand.Text()}
	return c, b.put(id, c)
}

// put keeps a channel; one that is not durable is not known either.
func (b *pushBook) put(id task.GUID, c pushChannel) error {
	last, there := b.Channels[id]
	b.Channels[id] = c
	err := b.save()
	switch {
	case err == nil:
	case there:
		b.Channels[id] = last
	default:
		delete(b.Channels, id)
	}
	return err
}

// owner is the registration that has a token.
func (b *pushBook) owner(token string) (task.GUID, error) {
	for id, c := range b.Channels {
		if c.Token == token {
			return id, nil
		}
	}
	return task.GUID{}, errNobodys
}

// move notes another distributor, which has other endpoints.
func (b *pushBook) move(distributor string) error {
	b.Distributor = distributor
	for id, c := range b.Channels {
		b.Channels[id] = pushChannel{Token: c.Token}
	}
	return b.save()
}
