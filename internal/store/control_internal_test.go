package store

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

// What a control key may hold, and what docs/format.md says of it.
var controls = []struct {
	held   string
	leased bool
	marker string
	moment string // of the carried marker's expiry
	touch  string // the two moments that a touch has noted
}{
	{held: ""},
	{held: "N", marker: "N"},
	{held: "E", marker: "E"},
	{held: "E@2", marker: "E@2"},
	{held: "E@0@13", marker: "E@0@13"},
	{held: "E@" + strings.Repeat("2", 510), marker: "E@" + strings.Repeat("2", 510)},
	{held: "E@" + strings.Repeat("2", 511)},
	{held: "L" + aToken + "E@" + strings.Repeat("2", 510) + ":"},
	{held: "E2"},
	{held: "E@2x"},
	{held: "N@2"},
	{held: "E@2:1735689600000"},
	{held: "n"},
	{held: "NN"},
	{held: "E1735689600000"},
	{held: "whatever"},
	{held: "L"},
	{held: aToken[1:]},
	{held: "L" + aToken[1:]},
	{held: "l" + aToken},
	{held: "L" + aToken, leased: true},
	{held: "L" + aToken + "N", leased: true, marker: "N"},
	{held: "L" + aToken + "E", leased: true, marker: "E"},
	{held: "L" + aToken + "N1735689600000", leased: true, marker: "N", moment: "1735689600000"},
	{held: "L" + aToken + "E1735689600000", leased: true, marker: "E", moment: "1735689600000"},
	{held: "L" + aToken + "E@2:1735689600000", leased: true, marker: "E@2", moment: "1735689600000"},
	{held: "L" + aToken + "E@0@2:", leased: true, marker: "E@0@2"},
	{held: "L" + aToken + "E@2"},
	{held: "L" + aToken + "E@2:x"},
	{held: "L" + aToken + "N@2:1"},
	{held: "L" + aToken + "E@2:" + strings.Repeat("9", 16)},
	{held: "L" + aToken + "E0", leased: true, marker: "E", moment: "0"},
	{held: "L" + aToken + "E" + strings.Repeat("9", 15), leased: true, marker: "E", moment: strings.Repeat("9", 15)},
	{held: "L" + aToken + "E" + strings.Repeat("9", 16)},
	{held: "L" + aToken + "E-1"},
	{held: "L" + aToken + "E1.5"},
	{held: "L" + aToken + "EE"},
	{held: "L" + aToken + "e"},
	{held: "L" + aToken + "X"},
	{held: "L" + aToken + "L"},
	{held: "L" + aToken + "\x00"},
	{held: "L" + aToken + " E"},
	{held: "L" + aToken + "E\n"},
	{held: "L" + aToken + "T"},
	{held: "L" + aToken + "T1"},
	{held: "L" + aToken + "T:"},
	{held: "L" + aToken + "T1:"},
	{held: "L" + aToken + "T1:-"},
	{held: "L" + aToken + "T1:2:3"},
	{held: "L" + aToken + "T1:2x"},
	{held: "L" + aToken + "Tx:2"},
	{held: "L" + aToken + "T1:2", leased: true, touch: "1:2"},
	{held: "L" + aToken + "T-1:1735689600000", leased: true, touch: "-1:1735689600000"},
	{held: "L" + aToken + "T1735689600000:-1", leased: true, touch: "1735689600000:-1"},
}

// aToken has the bytes that are most likely to be taken for something else.
const aToken = "\x00\xff\nNEL%T:-1\r0{}."

// The scripts and the client read one thing out of a control key.
func TestControlKeyIsReadAlike(t *testing.T) {
	if len(aToken) != rediskey.TokenSize {
		t.Fatalf("the token has %d bytes", len(aToken))
	}
	source := controlSource + `
local token, marker, ends, first, last = control(KEYS[1])
return {token or '', marker or '', ends or '', first and first .. ':' .. last or ''}`
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		key := rediskey.ControlKey("k")
		for _, tt := range controls {
			token := ""
			if tt.leased {
				token = aToken
			}
			if marker, leased := parseControl(tt.held); marker != tt.marker || leased != tt.leased {
				t.Errorf("the client takes %q for the marker %q, leased: %v", tt.held, marker, leased)
			}
			if err := env.Client.Set(t.Context(), key, tt.held, 0).Err(); err != nil {
				t.Fatal(err)
			}
			got, err := env.Client.Eval(t.Context(), source, []string{key}).StringSlice()
			if want := []string{token, tt.marker, tt.moment, tt.touch}; err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("the scripts take %q for %q, want %q, %v", tt.held, got, want, err)
			}
		}
		env.Client.Del(t.Context(), key)
		env.Client.RPush(t.Context(), key, "N")
		got, err := env.Client.Eval(t.Context(), source, []string{key}).StringSlice()
		if err != nil || strings.Join(got, "") != "" {
			t.Errorf("the scripts take a list for %q, %v", got, err)
		}
	})
}

// ReadControl says of each content what parseControl does.
func TestReadControl(t *testing.T) {
	for _, tt := range controls {
		c, ok := ReadControl(tt.held)
		ends := strconv.FormatInt(c.Ends, 10)
		if c.Ends == 0 && tt.moment != "0" {
			ends = ""
		}
		if ok != (tt.leased || tt.marker != "") || c.Leased != tt.leased || c.Absent != (tt.marker == "N") ||
			(c.Empty != nil) != strings.HasPrefix(tt.marker, "E") || c.Touched != (tt.touch != "") || ends != tt.moment {
			t.Errorf("ReadControl(%q) = %+v, %v", tt.held, c, ok)
		}
	}
	for held, want := range map[string][]int{"E": {0}, "E@2": {2}, "E@0@13": {0, 13}, "L" + aToken + "E@7:12": {7}} {
		if c, _ := ReadControl(held); !slices.Equal(c.Empty, want) {
			t.Errorf("ReadControl(%q) says that %v are empty", held, c.Empty)
		}
	}
}

// The scripts and the client agree on which versions a marker says that they are empty.
func TestMarkerOfEmptyIsReadAlike(t *testing.T) {
	source := controlSource + "return isEmpty(ARGV[1], ARGV[2]) and 1 or 0"
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, tt := range []struct {
			marker string
			shape  codec.Shape
			empty  []int // the versions of 0, 1, 2 and 12 that are
		}{
			{"", codec.ShapeHash, nil},
			{"N", codec.ShapeHash, nil},
			{"E", codec.ShapeHash, []int{0}},
			{"E", codec.ShapeString, nil},
			{"E@2", codec.ShapeList, []int{2}},
			{"E@2", codec.ShapeString, nil},
			{"E@12", codec.ShapeSet, []int{12}},
			{"E@0@1", codec.ShapeSortedSet, []int{0, 1}},
			{"E@12@2@1", codec.ShapeHash, []int{1, 2, 12}},
			{"E@", codec.ShapeHash, nil},
			{"E@@2", codec.ShapeHash, []int{2}},
		} {
			for _, version := range []int{0, 1, 2, 12} {
				s := &Store{shape: tt.shape, family: rediskey.NewFamily("n", version)}
				want := slices.Contains(tt.empty, version)
				if got := s.isEmpty(tt.marker); got != want {
					t.Errorf("the client: %q of version %d: %v", tt.marker, version, got)
				}
				got, err := env.Client.Eval(t.Context(), source, nil, tt.marker, s.markerEmpty()).Bool()
				if got != want || err != nil {
					t.Errorf("the scripts: %q of version %d: %v, %v", tt.marker, version, got, err)
				}
			}
		}
	})
}
