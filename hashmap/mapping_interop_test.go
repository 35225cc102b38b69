package hashmap_test

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// shared has a field of every type that go-redis both writes and reads.
type shared struct {
	Text     string         `redis:"text"`
	Bytes    []byte         `redis:"bytes"`
	Int      int            `redis:"int"`
	I8       int8           `redis:"i8"`
	I16      int16          `redis:"i16"`
	I32      int32          `redis:"i32"`
	I64      int64          `redis:"i64"`
	Uint     uint           `redis:"uint"`
	U8       uint8          `redis:"u8"`
	U16      uint16         `redis:"u16"`
	U32      uint32         `redis:"u32"`
	U64      uint64         `redis:"u64"`
	F32      float32        `redis:"f32"`
	F64      float64        `redis:"f64"`
	Big      float64        `redis:"big"`
	Small    float64        `redis:"small"`
	Inf      float64        `redis:"inf"`
	Yes      bool           `redis:"yes"`
	No       bool           `redis:"no"`
	At       time.Time      `redis:"at"`
	Wait     time.Duration  `redis:"wait"`
	PText    *string        `redis:"ptext"`
	PInt     *int           `redis:"pint"`
	PU8      *uint8         `redis:"pu8"`
	PF64     *float64       `redis:"pf64"`
	PBool    *bool          `redis:"pbool"`
	PAt      *time.Time     `redis:"pat"`
	PWait    *time.Duration `redis:"pwait"`
	Omitted  int            `redis:"omitted,omitempty"`
	NoText   string         `redis:"no_text,omitempty"`
	NoAt     time.Time      `redis:"no_at,omitempty"`
	Skipped  int            `redis:"-"`
	Optional int            `redis:"optional,omitempty"`
}

func someShared() shared {
	text, n, u, f, yes := "p\x00", -5, uint8(200), 2.5, true
	at, wait := time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC), 90*time.Second
	return shared{
		Text: "h\x00 é\xff\r\n", Bytes: []byte{0, 255}, Int: math.MinInt, I8: math.MinInt8, I16: -2, I32: -3, I64: math.MaxInt64,
		Uint: math.MaxUint, U8: 255, U16: 5, U32: 6, U64: math.MaxUint64, F32: 0.1, F64: -97.25, Big: 1e300, Small: 5e-324,
		Inf: math.Inf(-1), Yes: true, At: at, Wait: wait,
		PText: &text, PInt: &n, PU8: &u, PF64: &f, PBool: &yes, PAt: &at, PWait: &wait, Optional: 1,
	}
}

func client(t *testing.T) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// store puts the wire into Redis, as a hash.
func store(t *testing.T, rdb *redis.Client, key string, w *codec.Wire) {
	t.Helper()
	var args []any
	for i := range w.Len() {
		args = append(args, w.Name(i), w.Value(i))
	}
	if err := rdb.HSet(t.Context(), key, args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// load returns the hash in Redis, on a wire.
func load(t *testing.T, rdb *redis.Client, key string) *codec.Wire {
	t.Helper()
	m, err := rdb.HGetAll(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	w := new(codec.Wire)
	for name, value := range m {
		w.Add([]byte(name), []byte(value))
	}
	return w
}

func TestGoRedisReadsWhatWeWrite(t *testing.T) {
	rdb, want := client(t), someShared()
	store(t, rdb, "k", encode(t, hashmap.MustOf[shared](), want))
	var got shared
	if err := rdb.HGetAll(t.Context(), "k").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("go-redis reads\n%+v, want\n%+v", got, want)
	}
}

func TestWeReadWhatGoRedisWrites(t *testing.T) {
	rdb, want := client(t), someShared()
	if err := rdb.HSet(t.Context(), "k", want).Err(); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, hashmap.MustOf[shared](), load(t, rdb, "k")); !reflect.DeepEqual(got, want) {
		t.Errorf("we read\n%+v, want\n%+v", got, want)
	}
}

func TestGoRedisReadsNamedTypesAndTextMethods(t *testing.T) {
	type named struct {
		Level level  `redis:"level"`
		Title title  `redis:"title"`
		Flag  yesno  `redis:"flag"`
		Blob  blob   `redis:"blob"`
		UUID  uuid   `redis:"uuid"`
		Color *color `redis:"color"`
		Wait  waited `redis:"wait"`
	}
	green := color(1)
	rdb, want := client(t), named{-3, "sir", true, blob("b"), uuid{1, 2}, &green, 9}
	store(t, rdb, "k", encode(t, hashmap.MustOf[named](), want))
	var got named
	if err := rdb.HGetAll(t.Context(), "k").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("go-redis reads %+v, want %+v", got, want)
	}
}

// A token is a uuid type as the usual ones are: 2 bytes, or a text.
type token [2]byte

func (k token) MarshalText() ([]byte, error)    { return uuid(k).MarshalText() }
func (k *token) UnmarshalText(b []byte) error   { return (*uuid)(k).UnmarshalText(b) }
func (k token) MarshalBinary() ([]byte, error)  { return k[:], nil }
func (k *token) UnmarshalBinary(b []byte) error { return exactly(k[:], b) }

// A code has binary methods alone, and one can be made of any string.
type code string

func (c code) MarshalBinary() ([]byte, error) { return []byte("code " + c), nil }
func (c *code) UnmarshalBinary(b []byte) error {
	text, ok := strings.CutPrefix(string(b), "code ")
	if !ok {
		return errors.New("no code")
	}
	*c = code(text)
	return nil
}

func exactly(dst, src []byte) error {
	if copy(dst, src) != len(dst) || len(dst) != len(src) {
		return errors.New("wrong length")
	}
	return nil
}

// binaries has types that go-redis writes by MarshalBinary, and a net.IP.
type binaries struct {
	Addr    netip.Addr     `redis:"addr"`
	Addr6   netip.Addr     `redis:"addr6"`
	Zoned   netip.Addr     `redis:"zoned"`
	NoAddr  netip.Addr     `redis:"no_addr"`
	Pointer *netip.Addr    `redis:"pointer"`
	Prefix  netip.Prefix   `redis:"prefix"`
	Port    netip.AddrPort `redis:"port"`
	IP      net.IP         `redis:"ip"`
	IP6     net.IP         `redis:"ip6"`
	Token   token          `redis:"token"`
	PToken  *token         `redis:"ptoken"`
	Code    code           `redis:"code"`
	PCode   *code          `redis:"pcode"`
	URL     *url.URL       `redis:"url"`
	Stamp   stamp          `redis:"stamp"`
}

func someBinaries() binaries {
	addr, key, c := netip.MustParseAddr("192.0.2.1"), token{0, 255}, code("c")
	u, _ := url.Parse("https://example.com/a?b=c")
	return binaries{
		Addr: addr, Addr6: netip.MustParseAddr("2001:db8::1"), Zoned: netip.MustParseAddr("fe80::1%eth0"), Pointer: &addr,
		Prefix: netip.MustParsePrefix("192.0.2.0/24"), Port: netip.MustParseAddrPort("192.0.2.1:80"),
		IP: net.IPv4(192, 0, 2, 1).To4(), IP6: net.ParseIP("2001:db8::1"), Token: key, PToken: &key, Code: c, PCode: &c, URL: u,
		Stamp: stamp{time.Date(2024, 2, 29, 12, 30, 15, 1, time.UTC)},
	}
}

func TestWeReadWhatGoRedisWritesByBinaryMethods(t *testing.T) {
	rdb, want := client(t), someBinaries()
	if err := rdb.HSet(t.Context(), "k", want).Err(); err != nil {
		t.Fatal(err)
	}
	m := hashmap.MustOf[binaries]()
	if got := decode(t, m, load(t, rdb, "k")); !reflect.DeepEqual(got, want) {
		t.Errorf("we read\n%+v, want\n%+v", got, want)
	}
	var addr netip.Addr
	field, err := hashmap.FieldOf[netip.Addr](m, "addr")
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := want.Addr.MarshalBinary()
	if err := field.Into(&addr).ParseField(raw); err != nil || addr != want.Addr {
		t.Errorf("the handle of a field reads %v, error %v", addr, err)
	}
}

func TestGoRedisReadsTypesWithBinaryMethods(t *testing.T) {
	rdb, want := client(t), someBinaries()
	w := encode(t, hashmap.MustOf[binaries](), want)
	if got := spans(w)[0]; got != (span{"addr", "192.0.2.1"}) {
		t.Errorf("an address is stored as %q, want its text", got)
	}
	if got := decode(t, hashmap.MustOf[binaries](), w); !reflect.DeepEqual(got.IP.To4(), want.IP) {
		t.Errorf("an IP comes back as %v", got.IP)
	}
	store(t, rdb, "k", w)
	var got binaries
	if err := rdb.HGetAll(t.Context(), "k").Scan(&got); err != nil {
		t.Fatal(err)
	}
	got.IP = got.IP.To4() // UnmarshalText makes 16 bytes of it
	if !reflect.DeepEqual(got, want) {
		t.Errorf("go-redis reads\n%+v, want\n%+v", got, want)
	}
}

// Bytes of neither form say what is wrong with the text, and leave nothing behind.
func TestNeitherTextNorBinary(t *testing.T) {
	m := hashmap.MustOf[binaries]()
	for name, bytes := range map[string]string{"addr": "192.0.2", "ip": "secret", "token": "secret", "code": "secret"} {
		var v binaries
		err := m.Decode(wire(name, bytes), &v)
		if err == nil || strings.Contains(err.Error(), bytes) || !reflect.DeepEqual(v, binaries{}) {
			t.Errorf("%s: error %v, value %+v", name, err, v)
		}
	}
	type half struct{ A binaryWriter }
	if err := of[half](); err == nil || !strings.Contains(err.Error(), "half.A: codec: hashmap_test.binaryWriter can be only written; give it UnmarshalBinary") {
		t.Errorf("a type that MarshalBinary writes and nothing reads: %v", err)
	}
}

type binaryWriter string

func (binaryWriter) MarshalBinary() ([]byte, error) { return nil, nil }

func TestWeReadWhatPythonWrites(t *testing.T) {
	// redis-py writes repr of a float, str of an int and UTF-8 of a str; a program
	// writes True as it likes, and a datetime by isoformat.
	type python struct {
		Text            string
		Int             int
		F1, F2, F3, F4  float64
		B1, B2, B3, B4  bool
		Aware, Microsec time.Time
	}
	got := decode(t, hashmap.MustOf[python](), wire("Text", "é", "Int", "-12", "F1", "1.0", "F2", "1e-07", "F3", "1e+16", "F4", "inf",
		"B1", "1", "B2", "0", "B3", "True", "B4", "False", "Aware", "2024-02-29T12:30:15+00:00", "Microsec", "2024-02-29T12:30:15.123456Z"))
	if !got.Aware.Equal(time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC)) || got.Microsec.Nanosecond() != 123456000 {
		t.Errorf("times are read as %v and %v", got.Aware, got.Microsec)
	}
	got.Aware, got.Microsec = time.Time{}, time.Time{}
	if want := (python{Text: "é", Int: -12, F1: 1, F2: 1e-7, F3: 1e16, F4: math.Inf(1), B1: true, B3: true}); got != want {
		t.Errorf("we read %+v, want %+v", got, want)
	}
}
