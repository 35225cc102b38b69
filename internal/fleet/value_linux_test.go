package fleet

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/asidecache/aside/codec"
)

// A value names its version over and over, so that one that was put together from
// two is found out.
const (
	smallValue = 2
	largeValue = 300 // is staged, for its bytes in a string and for its elements in a list
)

func valueOf(key, version int) []string {
	n := smallValue
	if key%2 == 1 {
		n = largeValue
	}
	return slices.Repeat([]string{fmt.Sprintf("%08d", version)}, n)
}

// versionOf returns the version that a value names.
func versionOf(key int, value []string) (int, error) {
	if len(value) == 0 {
		return 0, fmt.Errorf("the value of key %d is empty", key)
	}
	version, err := strconv.Atoi(value[0])
	if err != nil || !slices.Equal(value, valueOf(key, version)) {
		return 0, fmt.Errorf("the value of key %d is none: %q, %d elements", key, value[0], len(value))
	}
	return version, nil
}

// codecOf returns what the values of a version are stored by: as a Redis list or as a string,
// which of an odd version is one of a struct.
func codecOf(version int, list bool) codec.Codec[[]string] {
	switch {
	case list:
		return listCodec{}
	case version%2 == 1:
		return structCodec{codec.Msgpack[versioned]()}
	}
	return codec.Msgpack[[]string]()
}

type versioned struct{ Version []string }

// A structCodec keeps a slice in a struct.
type structCodec struct{ codec.Codec[versioned] }

func (c structCodec) Encode(w *codec.Wire, v *[]string) error {
	return c.Codec.Encode(w, &versioned{*v})
}

func (c structCodec) Decode(w *codec.Wire, v *[]string) error {
	var s versioned
	err := c.Codec.Decode(w, &s)
	*v = s.Version
	return err
}

// A listCodec keeps a slice as a Redis list.
type listCodec struct{}

func (listCodec) Shape() codec.Shape { return codec.ShapeList }

func (listCodec) Encode(w *codec.Wire, v *[]string) error {
	for _, s := range *v {
		w.Add(nil, []byte(s))
	}
	return nil
}

func (listCodec) Decode(w *codec.Wire, v *[]string) error {
	*v = make([]string, w.Len())
	for i := range *v {
		(*v)[i] = string(w.Value(i))
	}
	return nil
}
