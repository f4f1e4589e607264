module github.com/bgtask/bgtask/msix/relictest

go 1.26.0

require (
	github.com/bgtask/bgtask v0.0.0
	github.com/sassoftware/relic/v7 v7.6.2
)

require (
	github.com/alessio/shellescape v1.4.1 // indirect
	github.com/beevik/etree v1.3.0 // indirect
	github.com/danieljoos/wincred v1.2.0 // indirect
	github.com/godbus/dbus/v5 v5.2.4 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/howeyc/gopass v0.0.0-20210920133722-c8aef6fb66ef // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/zalando/go-keyring v0.2.3 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	software.sslmate.com/src/go-pkcs12 v0.7.4 // indirect
)

replace github.com/bgtask/bgtask => ../..
