module github.com/bgtask/bgtask/msix/relictest

go 1.26.0

require (
	github.com/bgtask/bgtask v0.0.0
	github.com/sassoftware/relic/v7 v7.6.2
)

replace github.com/bgtask/bgtask => ../..
