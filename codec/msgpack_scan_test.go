package codec

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

func TestScanTakesEveryForm(t *testing.T) {
	const b31 = "0123456789012345678901234567890"
	for _, b := range []string{
		"\x00", "\x7f", "\xe0", "\xff", "\xc0", "\xc2", "\xc3",
		"\xcc1", "\xcd12", "\xce1234", "\xcf12345678", "\xd01", "\xd112", "\xd21234", "\xd312345678",
		"\xca1234", "\xcb12345678",
		"\xa0", "\xa1x", "\xbf" + b31, "\xd9\x00", "\xd9\x01x", "\xda\x00\x01x", "\xdb\x00\x00\x00\x01x",
		"\xc4\x00", "\xc4\x01x", "\xc5\x00\x01x", "\xc6\x00\x00\x00\x01x",
		"\xd4t1", "\xd5t12", "\xd6t1234", "\xd7t12345678", "\xd8t1234567812345678",
		"\xc7\x00t", "\xc7\x01tx", "\xc8\x00\x01tx", "\xc9\x00\x00\x00\x01tx",
		"\x90", "\x91\x00", "\x9f" + strings.Repeat("\x00", 15), "\xdc\x00\x00", "\xdc\x00\x01\x00", "\xdd\x00\x00\x00\x01\x00",
		"\x80", "\x81\x00\x00", "\x8f" + strings.Repeat("\x00\x00", 15), "\xde\x00\x00", "\xde\x00\x01\x00\x00", "\xdf\x00\x00\x00\x01\x00\x00",
		"\x92\x92\x00\x90\x81\xa1k\x91\xc0",
	} {
		if _, err := scan([]byte(b)); err != nil {
			t.Errorf("%q: %v", b, err)
		}
		for n := range len(b) {
			if _, err := scan([]byte(b[:n])); err != errCut {
				t.Errorf("%q cut to %d bytes: %v", b, n, err)
			}
		}
		if _, err := scan([]byte(b + "\x00")); err != errRemainder {
			t.Errorf("%q with one more byte: %v", b, err)
		}
	}
}

func TestScanMeasuresStrings(t *testing.T) {
	for _, tt := range []struct {
		bytes string
		want  int
	}{
		{"\x00", 0},
		{"\xa0", 0},
		{"\xa3abc", 3},
		{"\xd9\x03abc", 3 + 2},
		{"\xc4\x03abc", 0},
		{"\x94\xa3abc\x81\xa1k\xa2vv\xc0\xa1x", 7},
		{"\xbf" + strings.Repeat("x", 31), 31},
	} {
		if got, err := scan([]byte(tt.bytes)); err != nil || got != tt.want {
			t.Errorf("%q: %d, %v, want %d", tt.bytes, got, err, tt.want)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	five := strings.Repeat("\xff", 4)
	for _, c := range []struct {
		bytes string
		want  *unreadable
	}{
		{"", errCut},
		{"\xc1", errCode},
		{"\x91\xc1", errCode},
		{"\xdd" + five, errCut}, // 4 G elements in five bytes
		{"\xdf" + five, errCut},
		{"\xc6" + five, errCut},
		{"\xdb" + five, errCut},
		{"\xc9" + five + "t", errCut},
		{"\xdd" + five + strings.Repeat("\x00", 1000), errCut},
		{"\xdf\x00\x00\x00\x02\x00\x00\x00", errCut}, // two pairs in three values
		{"\xc9\x00\x00\x00\x01t", errCut},
		{strings.Repeat("\x91", maxDepth) + "\x00", nil},
		{strings.Repeat("\x91", maxDepth) + "\x90", errDepth},
		{strings.Repeat("\x81\x00", maxDepth) + "\x00", nil},
		{strings.Repeat("\x81\x00", maxDepth+1) + "\x00", errDepth},
		{strings.Repeat("\x91", 5_000_000), errDepth},
		{strings.Repeat("\x81\x00", 5_000_000), errDepth},
		{strings.Repeat("\xdd\x00\x00\x00\x01", 1_000_000), errDepth},
		{"\x92" + strings.Repeat("\x91", maxDepth-1) + "\x00\x00", nil}, // up again
		{"\x00\xc1", errRemainder},
	} {
		if _, err := scan([]byte(c.bytes)); err != c.want {
			t.Errorf("%d bytes, %.20q: %v, want %v", len(c.bytes), c.bytes, err, c.want)
		}
	}
}

// A value inside of others may nest less.
func TestScanValueCountsWhatIsAround(t *testing.T) {
	b := []byte("\x91\x91\x00")
	if end, _, err := scanValue(b, 0, maxDepth-2); err != nil || end != len(b) {
		t.Errorf("end %d, %v", end, err)
	}
	if _, _, err := scanValue(b, 0, maxDepth-1); err != errDepth {
		t.Errorf("%v, want %v", err, errDepth)
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	b, err := msgpack.Marshal(map[string]any{"a": []int{1, 2}, "b": "text", "c": time.Now(), "d": math.Pi})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := scan(b); err != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// skips reports whether the library finds exactly one value in b.
func skips(b []byte) error {
	r := bytes.NewReader(b)
	if err := msgpack.NewDecoder(r).Skip(); err != nil {
		return err
	}
	if r.Len() > 0 {
		return fmt.Errorf("%d bytes remain", r.Len())
	}
	return nil
}

// FuzzMsgpackScan compares the scan with the library, which is safe to skip what
// is short.
func FuzzMsgpackScan(f *testing.F) {
	for _, s := range []string{"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\x82\xa1i\x01\xa1i\x02", "\x91\x91\x91", "\xc7\x03t123", "\xd9\x02ab", "\x93\xc0\xc2\xcb12345678"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		_, err := scan(b)
		theirs := skips(b)
		if err != errDepth && (err == nil) != (theirs == nil) {
			t.Errorf("%x: scan says %v, the library %v", b, err, theirs)
		}
	})
}
