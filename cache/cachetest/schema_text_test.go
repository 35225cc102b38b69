package cachetest

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

type (
	money      struct{}
	level      int8
	opt[T any] struct {
		Of T `json:"of" msgpack:"of"`
	}
	Base struct {
		ID   int64 `json:"id" msgpack:"id" redis:"id"`
		Name string
	}
	node struct {
		Kids []*node          `json:"kids" msgpack:"kids"`
		By   map[string]node2 `json:"by" msgpack:"by"`
	}
	node2 struct {
		Up   *node `json:"up" msgpack:"up"`
		Next *node2
	}
	user struct {
		Base
		*Extra
		Level level               `json:"level"`
		Price money               `json:"price"`
		Addr  *netip.Addr         `json:"addr"`
		Seen  time.Time           `json:"seen,omitzero" msgpack:"seen,omitempty"`
		Wait  time.Duration       `json:"wait"`
		Raw   []byte              `json:"raw"`
		Sum   [4]byte             `json:"sum"`
		Pair  [2]float32          `json:"pair"`
		Any   any                 `json:"any"`
		M     map[int]opt[string] `json:"m"`
		Total int64               `json:"total,string"`
		Deep  *opt[*opt[[]bool]]  `json:"deep" msgpack:"deep,alias:old-deep"`
		Odd   bool                `json:"a.b c" msgpack:"a.b c"`
		Big   big.Int             `json:"big"`
		Out   chan int            `json:"-" msgpack:"-"`
	}
	Extra struct{ Note string }
)

func (m money) MarshalText() ([]byte, error)  { return nil, nil }
func (m *money) UnmarshalText(b []byte) error { return nil }

type pairOf[A, B any] struct{ money }

var keyring = must(codec.NewKeyring(1, map[uint32][]byte{1: make([]byte, 32)}))

// descriptions are those of codecs, without the first line.
var descriptions = map[string]struct{ got, want string }{
	"text":       {Description(codec.Text[time.Duration]()), "redis type: string\nvalue: duration (text)\n"},
	"named text": {Description(codec.Text[level]()), "redis type: string\nvalue: int8 (text)\n"},
	"bytes":      {Description(codec.Bytes[[]byte]()), "redis type: string\nvalue: bytes (text)\n"},
	"methods":    {Description(codec.Text[money]()), "redis type: string\nvalue: custom money (text)\n"},
	"binary":     {Description(codec.Binary[netip.Addr]()), "redis type: string\nvalue: custom Addr (binary)\n"},
	"generic":    {Description(codec.Text[pairOf[netip.Addr, map[string]money]]()), "redis type: string\nvalue: custom pairOf[Addr,map[string]money] (text)\n"},
	"list":       {Description(codec.List(codec.Text[int]())), "redis type: list\nvalue: list\nvalue[]: int (text)\n"},
	"set":        {Description(codec.Set(codec.Text[string]())), "redis type: set\nvalue: set\nvalue[]: string (text)\n"},
	"sorted set": {Description(codec.SortedSet(codec.Msgpack[*Extra]())), "redis type: zset\nvalue: sorted set\nvalue[]: struct (msgpack), or nil\nvalue[].Note: string\n"},
	"wrapped": {
		Description(codec.Encrypt(codec.Compress(codec.JSON[opt[bool]](), codec.Zstd, 0), keyring)),
		"redis type: string\nvalue: struct (encrypted compressed json)\nvalue.of: bool\n",
	},
	"recursive": {Description(codec.Msgpack[node]()), `redis type: string
value: struct (msgpack)
value.by: map
value.by[key]: string
value.by[]: struct
value.by[].Next: as value.by[], or nil
value.by[].up: as value, or nil
value.kids: list
value.kids[]: as value, or nil
`},
	"recursive json": {Description(codec.JSON[*node]()), `redis type: string
value: struct (json), or nil
value.by: map
value.by[key]: string
value.by[]: struct
value.by[].Next: as value.by[], or nil
value.by[].up: as value, or nil
value.kids: list
value.kids[]: as value, or nil
`},
	"msgpack": {Description(codec.Msgpack[user]()), `redis type: string
value: struct (msgpack)
value.Addr: custom Addr, or nil
value.Any: any
value.Big: custom Int
value.Level: int8
value.M: map
value.M[key]: int
value.M[]: struct
value.M[].of: string
value.Name: string
value.Note: string, optional
value.Pair: array of 2
value.Pair[]: float32
value.Price: custom money
value.Raw: bytes
value.Sum: bytes of 4
value.Total: int64
value.Wait: int64
value."a.b c": bool
value.deep: struct, or nil, alias old-deep
value.deep.of: struct, or nil
value.deep.of.of: list
value.deep.of.of[]: bool
value.id: int64
value.seen: time, optional
`},
	"json": {Description(codec.JSON[user]()), `redis type: string
value: struct (json)
value.Name: string
value.Note: string, optional
value."a.b c": bool
value.addr: custom Addr, or nil
value.any: any
value.big: custom Int
value.deep: struct, or nil
value.deep.of: struct, or nil
value.deep.of.of: list
value.deep.of.of[]: bool
value.id: int64
value.level: int8
value.m: map
value.m[key]: int
value.m[]: struct
value.m[].of: string
value.pair: array of 2
value.pair[]: float32
value.price: custom money
value.raw: bytes
value.seen: time, optional
value.sum: array of 4
value.sum[]: uint8
value.total: quoted int64
value.wait: int64
`},
	"hash": {Description(hashmap.MustOf[hash]()), `redis type: hash
value: struct
value.Addr: custom Addr (text), optional
value.Name: string (text)
value.Nick: string (text), optional
value.Note: string (text), optional
value.Wait: int64 (text)
value.deep: struct (json), optional
value.deep.of: bool
value.id: int64 (text)
value.in_Of: string (text)
value.pack: list (msgpack)
value.pack[]: struct
value.pack[].Note: string
value.seen: time (text), optional
`},
	"missing fields are zero": {Description(codec.List(codec.JSON[opt[Extra]](codec.MissingFieldsAreZero()))), `redis type: list
value: list
value[]: struct (json)
value[].of: struct, optional
value[].of.Note: string, optional
`},
	"missing fields of hashes are zero": {Description(hashmap.MustOf[opt[Extra]](hashmap.UseTag("msgpack"), hashmap.MissingFieldsAreZero())), `redis type: hash
value: struct
value.of: struct (msgpack), optional
value.of.Note: string, optional
`},
	"as_array": {Description(codec.Msgpack[inOrder]()), "redis type: string\nvalue: tuple (msgpack)\nvalue.A: int, place 1\nvalue.B: int, place 2\n"},
	"own":      {Description(codec.Compress[int](own{"User, v1: (x)"}, codec.S2, 0)), "redis type: string\nvalue: \"User, v1: (x)\" (compressed proto)\n"},
}

type hash struct {
	Base
	*Extra
	Nick *string
	Addr netip.Addr `redis:",omitempty"`
	Wait time.Duration
	Seen time.Time     `redis:"seen,omitempty"`
	In   opt[string]   `redis:"in_,inline"`
	Deep *opt[bool]    `redis:"deep,json"`
	Pack []Extra       `redis:"pack,msgpack"`
	Out  chan struct{} `redis:"-"`
}

// own is a value of a program's own, which says what it stores.
type own struct{ typ string }

func (own) AppendValue(dst []byte, v int) ([]byte, error) { return dst, nil }
func (own) ParseValue([]byte, *int) error                 { return nil }
func (o own) Schema() (*codec.Schema, error)              { return &codec.Schema{Codec: "proto", Type: o.typ}, nil }

func TestDescriptions(t *testing.T) {
	for name, d := range descriptions {
		want := schemaFormat + "\n" + d.want
		if d.got != want {
			t.Errorf("%s is described as\n%s\nwant\n%s", name, d.got, want)
		}
		read, err := parseDescription(want)
		if err != nil || read.String() != want {
			t.Errorf("%s is read as\n%s%v", name, read, err)
		}
		if changes := compare(read, read); len(changes) > 0 {
			t.Errorf("%s has changed from itself:\n%s", name, report(changes))
		}
	}
}

// A file that was changed by hand, or by a merge, is an error or read.
func TestDescriptionsThatAreDamaged(t *testing.T) {
	for name, d := range descriptions {
		lines := strings.SplitAfter(schemaFormat+"\n"+d.want, "\n")
		whole := must(parseDescription(strings.Join(lines, "")))
		for i := range lines {
			for _, text := range []string{
				strings.Join(slices.Delete(slices.Clone(lines), i, i+1), ""),
				strings.Join(lines[:i], "") + lines[i][:len(lines[i])/2],
				strings.Join(slices.Insert(slices.Clone(lines), i, lines[len(lines)-1-i]), ""),
			} {
				if read, err := parseDescription(text); err == nil {
					_ = report(compare(read, whole)) + report(compare(whole, read)) + read.String()
				} else if text == "" {
					t.Errorf("%s: nothing is read", name)
				}
			}
		}
	}
}

// Nothing is known of what another module's codec reads.
func TestUnknownCodecs(t *testing.T) {
	of := func(encoding, typ string) description {
		return description{"string", &codec.Schema{Codec: encoding, Type: typ}}
	}
	for _, is := range []description{of("msgpack", "struct"), of("proto", "list"), of("packed proto", "struct")} {
		changes := compare(of("proto", "struct"), is)
		if len(changes) != 1 || changes[0].is != readsAnother || changes[0].was != readsAnother {
			t.Errorf("to %+v it is said:\n%s", *is.value, report(changes))
		}
	}
}
