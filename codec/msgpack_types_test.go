package codec_test

//lint:file-ignore U1000 fields and types that only reflection looks at

import (
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// The types that MessagePack is tested with, beside those of Text.
type (
	packScalars struct {
		Bool    bool
		Int     int
		Int8    int8
		Int16   int16
		Int32   int32
		Int64   int64
		Uint    uint
		Uint8   uint8
		Uint16  uint16
		Uint32  uint32
		Uint64  uint64
		Float32 float32
		Float64 float64
		String  string
		Time    time.Time
		Timeout time.Duration
	}
	packNamed struct {
		Name    name
		Flag    flag
		Level   level
		Mask    mask
		Ratio   ratio
		Timeout timeout
		Blob    blob
	}
	packLists struct {
		Bytes    []byte
		Array    [3]byte
		Levels   []level
		Masks    []mask
		Names    []name
		Strings  []string
		Structs  []packPoint
		Pointers []*packPoint
		Nested   [][]int
		Pair     [2]string
		Anys     []any
		Empty    []struct{}
		Times    []time.Time
	}
	packMaps struct {
		Strings  map[string]string
		Named    map[name]name
		Anys     map[string]any
		Ints     map[string]int64
		Bools    map[string]bool
		ByID     map[int64]packPoint
		ByLevel  map[level][]string
		Pointers map[string]*packPoint
		Nested   map[string]map[string]int
		Floats   map[float64]bool
		Byte     map[[2]byte]uint8
	}
	packPoint struct {
		X, Y int
	}
	packPointers struct {
		Int    *int
		String *string
		Time   *time.Time
		Point  *packPoint
		Twice  **packPoint
		List   *[]int
		Map    *map[string]int
		Any    *any
	}
	packTags struct {
		Renamed  string `msgpack:"r"`
		Spaces   string `msgpack:" s , omitempty "`
		Skipped  string `msgpack:"-"`
		Untagged string `json:"other"`
		Alias    string `msgpack:"new,alias:old"`
		OnlyOpt  int    `msgpack:",omitempty"`
		Valued   int    `msgpack:"alias:v"`
		hidden   int
		LongName string `msgpack:"a name of more than thirty-one bytes"`
	}
	packOmit struct {
		Bool   bool           `msgpack:",omitempty"`
		Int    int32          `msgpack:",omitempty"`
		Float  float64        `msgpack:",omitempty"`
		String string         `msgpack:",omitempty"`
		Slice  []int          `msgpack:",omitempty"`
		Array  [2]int         `msgpack:",omitempty"`
		None   [0]int         `msgpack:",omitempty"`
		Map    map[string]int `msgpack:",omitempty"`
		Ptr    *int           `msgpack:",omitempty"`
		Time   time.Time      `msgpack:",omitempty"`
		When   *time.Time     `msgpack:",omitempty"`
		Any    any            `msgpack:",omitempty"`
		Struct packPoint      `msgpack:",omitempty"`
		Inner  packOmitInner  `msgpack:",omitempty"`
		Zeroer packZeroer     `msgpack:",omitempty"`
		Always int
	}
	packOmitInner struct {
		A int    `msgpack:",omitempty"`
		B string `msgpack:",omitempty"`
	}
	packOmitAll struct {
		First    int
		_msgpack struct{} `msgpack:",omitempty"`
		A        int
		B        string
		C        *packOmitAll
	}
	packArray struct {
		_msgpack struct{} `msgpack:",as_array"`
		A        int
		B        string `msgpack:",omitempty"`
		C        []packArray
	}
	packArrayOld struct {
		_msgpack struct{} `msgpack:",asArray,omitempty"`
		A        int
	}
	packWide struct {
		A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P int
	}
	packWideOmit struct {
		A, B, C, D, E, F, G, H, I, J, K, L, M, N, O int `msgpack:",omitempty"`
	}
	packWidest struct {
		packWideOmit
		P, Q int8 `msgpack:",omitempty"`
	}
	packZeroer int // is zero at 7

	packBase struct {
		ID      int64
		Created time.Time
	}
	packMiddle struct {
		packBase
		Note string
	}
	PackPart   struct{ Size int }
	packEmbeds struct {
		packMiddle
		*PackPart
		Name string
	}
	packOmitEmbedded struct {
		*PackPart
		Name string `msgpack:",omitempty"`
	}
	packEmbedsBehind struct {
		First int
		packOmitEmbedded
	}
	packShadow struct {
		ID string
		packBase
	}
	packInline struct {
		ID       string
		packBase `msgpack:",inline"`
	}
	packNoInline struct {
		packBase `msgpack:"base,noinline"`
		ID       string
	}
	packEmbedsOther struct {
		packLabel
		Names
		X int
	}
	packLabel string
	Names     []string

	packNode struct {
		Value int
		Next  *packNode
		Kids  []packNode
		ByKey map[string]packNode
	}
	packMutual  struct{ Other *packMutual2 }
	packMutual2 struct {
		*packMutual3
		Back []packMutual
	}
	packMutual3 struct{ Up *packMutual }

	packOwn struct {
		Addr   netip.Addr
		URL    url.URL
		Ptr    *url.URL
		Addrs  []netip.AddrPort
		ByAddr map[netip.Addr]int
		Custom packCustom
		Raw    msgpack.RawMessage
		Own    packMarshaler
		Twin   *packMarshaler
	}

	// Fields as the library's README and common services have them.
	packUser struct {
		ID      int64             `msgpack:"id"`
		Email   string            `msgpack:"email"`
		Tags    []string          `msgpack:"tags,omitempty"`
		Meta    map[string]string `msgpack:"meta,omitempty"`
		Created time.Time         `msgpack:"created"`
		Boss    *packUser         `msgpack:"boss,omitempty"`
	}
)

func (z packZeroer) IsZero() bool { return z == 7 }

// A packCustom deals with the library's encoder itself: an array of two.
type packCustom struct{ low, high int8 }

func (c packCustom) EncodeMsgpack(e *msgpack.Encoder) error {
	return errors.Join(e.EncodeArrayLen(2), e.EncodeInt(int64(c.low)), e.EncodeInt(int64(c.high)))
}

func (c *packCustom) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil || n != 2 {
		return errors.New("no pair: " + secret)
	}
	if c.low, err = d.DecodeInt8(); err != nil {
		return err
	}
	c.high, err = d.DecodeInt8()
	return err
}

// A packMarshaler writes a pair as JSON does, in a MessagePack string.
type packMarshaler struct{ a, b int }

func (m *packMarshaler) MarshalMsgpack() ([]byte, error) {
	b, err := json.Marshal([2]int{m.a, m.b})
	if err != nil {
		return nil, err
	}
	return msgpack.Marshal(string(b))
}

func (m *packMarshaler) UnmarshalMsgpack(b []byte) error {
	var s string
	if err := msgpack.Unmarshal(b, &s); err != nil {
		return err
	}
	var pair [2]int
	err := json.Unmarshal([]byte(s), &pair)
	m.a, m.b = pair[0], pair[1]
	return err
}
