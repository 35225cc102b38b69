package contender

import (
	"runtime/debug"
	"slices"
)

// Unmeasured are libraries that belong here and are not here, with the reason.
var Unmeasured = []string{
	"eko/gocache (lib/v4 and store/redis/v4)",
	"rueidisaside (github.com/redis/rueidis/rueidisaside)",
	"rockscache (github.com/dtm-labs/rockscache)",
	"jetcache-go (github.com/mgtv-tech/jetcache-go)",
}

// Modules returns the modules whose versions matter to the figures.
func Modules() []string {
	return []string{
		moduleAside, moduleGoRedis, moduleGoRedisCache, moduleRueidis, moduleGoZero,
		moduleSturdyc, moduleOtter, moduleMsgpack,
	}
}

// Version returns the version of a module in this program.
func Version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module })
	switch {
	case i < 0:
		return "unknown"
	case info.Deps[i].Replace != nil:
		return "this checkout"
	default:
		return info.Deps[i].Version
	}
}
