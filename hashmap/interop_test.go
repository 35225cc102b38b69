package hashmap_test

import (
	"math"
	"reflect"
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
