package store

import (
	_ "embed"

	"github.com/asidecache/aside/internal/client"
)

var (
	//go:embed lua/putifabsent.lua
	putIfAbsentSource string
	//go:embed lua/touch.lua
	touchSource string
	//go:embed lua/acquire.lua
	acquireSource string
	//go:embed lua/renew.lua
	renewSource string
	//go:embed lua/release.lua
	releaseSource string
	//go:embed lua/control.lua
	controlSource string
	//go:embed lua/neighbours.lua
	neighboursSource string
	//go:embed lua/upgrade.lua
	upgradeSource string
	//go:embed lua/digest.lua
	digestSource string
	//go:embed lua/guard.lua
	guardSource string
	//go:embed lua/acquire_one.lua
	acquireOneSource string
	//go:embed lua/acquire_many.lua
	acquireManySource string
	//go:embed lua/add.lua
	addSource string
	//go:embed lua/add_one.lua
	addOneSource string
	//go:embed lua/add_many.lua
	addManySource string
	//go:embed lua/fill.lua
	fillSource string
	//go:embed lua/stage.lua
	stageSource string
	//go:embed lua/swap.lua
	swapSource string
	//go:embed lua/marker.lua
	markerSource string
	//go:embed lua/set_many.lua
	setManySource string
	//go:embed lua/put.lua
	putSource string
	//go:embed lua/put_many.lua
	putManySource string
)

var (
	put         = client.NewScripts(putSource, "", setManySource+putManySource, neighboursSource)
	putIfAbsent = client.NewScript(putIfAbsentSource, controlSource, neighboursSource)
	touch       = client.NewScript(touchSource, controlSource, digestSource)

	acquire = client.NewScripts(acquireSource, acquireOneSource, acquireManySource, controlSource, digestSource).AnswersStrings(maxShortString)
	renew   = client.NewScript(renewSource, controlSource)
	release = client.NewScript(releaseSource, controlSource)

	add    = client.NewScripts(addSource, addOneSource, setManySource+addManySource, controlSource, neighboursSource)
	fill   = client.NewScript(fillSource, controlSource, digestSource, guardSource, neighboursSource)
	stage  = client.NewScript(stageSource)
	swap   = client.NewScript(swapSource, controlSource, digestSource, guardSource, neighboursSource)
	marker = client.NewScript(markerSource, controlSource, digestSource, guardSource, neighboursSource)

	// Of what was made of the value of another version, see Lease.Upgrades.
	fillUpgrade   = client.NewScript(fillSource, controlSource, digestSource, guardSource, upgradeSource)
	swapUpgrade   = client.NewScript(swapSource, controlSource, digestSource, guardSource, upgradeSource)
	markerUpgrade = client.NewScript(markerSource, controlSource, digestSource, guardSource, upgradeSource)
)
