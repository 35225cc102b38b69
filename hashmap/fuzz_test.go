package hashmap_test

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// FuzzDecode reads hostile spans: names and values, in turn, one a line. What can
// be read must be written in a form that is read as the same.
func FuzzDecode(f *testing.F) {
	m := hashmap.MustOf[rich]()
	var seed strings.Builder
	for _, s := range spans(encode(f, m, full())) {
		seed.WriteString(s.name + "\n" + s.value + "\n")
	}
	f.Add(seed.String())
	f.Add("id\n1\nid\n2\nunknown\n3\n\n")
	f.Add("tags\n[\"a\"]\ntags\n[]\nattrs\nnull\nany\n{\"a\":1e400}\ndoc\n{\"Geo\":{}}")
	f.Add("scores\n\xdd\xff\xff\xff\xff\npacked\n\xdf\xff\xff\xff\xff")
	f.Add("Wait\n1m\nAt\n2024-01-01T00:00:00+25:00\nBig\n1e9\nAddr\n::1%\nUUID\n\n")
	f.Fuzz(func(t *testing.T, input string) {
		w := new(codec.Wire)
		lines := strings.Split(input, "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			w.Add([]byte(lines[i]), []byte(lines[i+1]))
		}
		var v rich
		if err := m.Decode(w, &v); err != nil {
			// Of a field that cannot be read, or is missing.
			text := strings.Replace(err.Error(), "a hash without ", "", 1)
			if !strings.HasPrefix(text, "hashmap: rich.") {
				t.Errorf("an error without the field: %v", err)
			}
			return
		}
		again := encode(t, m, v)
		back := decode(t, m, again)
		if once, twice := spans(again), spans(encode(t, m, back)); !reflect.DeepEqual(once, twice) {
			t.Errorf("stored as\n%q, and after a read as\n%q", once, twice)
		}
	})
}

// FuzzRoundTrip writes a value and reads it back.
func FuzzRoundTrip(f *testing.F) {
	f.Add(int64(1), uint64(2), 0.5, true, "text", []byte("bytes"), int64(3), uint8(0xff))
	f.Add(int64(-1), uint64(0), math.Copysign(0, -1), false, "", []byte{}, int64(-1), uint8(0))
	m := hashmap.MustOf[rich]()
	f.Fuzz(func(t *testing.T, i int64, u uint64, fl float64, b bool, s string, raw []byte, ns int64, set uint8) {
		if fl != fl {
			t.Skip("NaN is not equal to itself")
		}
		at := time.Unix(ns>>16, ns&0xffff).UTC()
		if at.Year() < 0 || at.Year() > 9999 {
			t.Skip("RFC 3339 has no such year")
		}
		v := rich{
			ID: i, Int: int(i), I8: int8(i), I16: int16(i), I32: int32(i), Uint: uint(u), U8: uint8(u), U16: uint16(u), U32: uint32(u),
			U64: u, Ptr: uintptr(u), F32: float32(fl), F64: fl, Bool: b, Text: s, Bytes: append([]byte{}, raw...), Wait: time.Duration(ns),
			At: at, Level: level(i), Title: title(s), Ratio: ratio(fl), Flag: yesno(b), Blob: append(blob{}, raw...), Waited: waited(ns),
			UUID: uuid{byte(u), set}, Color: color(set & 1), NoText: s, NoInt: int16(i), NoUUID: uuid{set}, NoF64: fl, NoAt: at,
			Scores: []int{int(i), int(u)}, Audit: Audit{s, int(i)},
		}
		if len(raw) > 0 {
			v.NoBytes = raw
		}
		v.Home.Street = s
		for bit, fill := range []func(){
			func() { v.Big = big.NewInt(i) },
			func() { v.Maybe = new(int(i)) },
			func() { v.Perhaps = &s },
			func() { v.When, v.Long = &at, new(time.Duration(ns)) },
			func() { v.origin = &origin{Source: s} },
			func() { v.Home.Geo = &geo{Hash: s} },
			func() { v.Work = &address{s, &geo{}} },
			func() { v.Packed = &Audit{s, int(i)} },
		} {
			if set&(1<<bit) != 0 {
				fill()
			}
		}
		if back := decode(t, m, encode(t, m, v)); !reflect.DeepEqual(back, v) {
			t.Errorf("%+v\ncomes back as\n%+v", v, back)
		}
	})
}
