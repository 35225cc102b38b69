package cache_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// listener has the text of its embedded address, without the port.
type listener struct {
	netip.Addr
	Port uint16
}

// labelled has the text of plainText, without its label.
type labelled struct {
	plainText
	label string
}

type plainText struct{}

func (plainText) MarshalText() ([]byte, error) { return []byte("text"), nil }

// endpoint has a text of its own.
type endpoint struct {
	netip.Addr
	Port uint16
}

func (e endpoint) MarshalText() ([]byte, error) {
	return strconv.AppendUint([]byte(e.Addr.String()+"-"), uint64(e.Port), 10), nil
}

func (e endpoint) AppendText(dst []byte) ([]byte, error) {
	text, err := e.MarshalText()
	return append(dst, text...), err
}

// alone has nothing beside what it embeds.
type alone struct {
	netip.Addr
	_ int
}

// choosy has a text that panics over the keys it is asked for first.
type choosy struct {
	netip.Prefix
	ID int
}

func (c choosy) AppendText(dst []byte) ([]byte, error) {
	text, err := c.MarshalText()
	return append(dst, text...), err
}

func (c choosy) MarshalText() ([]byte, error) {
	if c.ID <= 1 {
		panic("no such key")
	}
	return strconv.AppendInt(nil, int64(c.ID), 10), nil
}

func TestEmbeddedTextIsNoKey(t *testing.T) {
	refuses(t, listener{Port: 80}, "Port")
	refuses(t, labelled{label: "x"}, "label")
	refuses(t, struct{ Listener listener }{}, "Port")
	keeps(t, endpoint{netip.MustParseAddr("::1"), 80}, "test:::1-80")
	keeps(t, alone{Addr: netip.MustParseAddr("10.0.0.1")}, "test:10.0.0.1")
	keeps(t, choosy{ID: 7}, "test:7")
}

func refuses[K comparable](t *testing.T, key K, field string) {
	t.Helper()
	_, err := cache.New(redistest.Mini(t).Client, cache.Config[K, string]{Name: "test", TTL: cache.Forever})
	if err == nil || !strings.Contains(err.Error(), "differ only in "+field+" ") {
		t.Errorf("New with keys of type %T: error %v, want one about %s", key, err, field)
	}
}

func keeps[K comparable](t *testing.T, key K, wanted string) {
	t.Helper()
	c := open(t, redistest.Mini(t).Client, cache.Config[K, string]{})
	want(t, "RedisKey", c.RedisKey(key), nil, wanted)
}
