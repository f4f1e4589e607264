package manifest

import "slices"

// Rule names what a finding is about. The names are stable.
type Rule string

// The rules. RuleTable says what each demands.
const (
	RuleEncoding  Rule = "encoding"
	RuleXML       Rule = "xml"
	RuleDoctype   Rule = "doctype"
	RuleLimit     Rule = "limit"
	RuleRoot      Rule = "root"
	RuleNamespace Rule = "namespace"
	RuleMissing   Rule = "missing"
	RuleTwice     Rule = "twice"
	RuleUnknown   Rule = "unknown-attribute"
	RuleElement   Rule = "unknown-element"
	RuleText      Rule = "text"

	RuleName         Rule = "identity-name"
	RulePublisher    Rule = "identity-publisher"
	RuleCertificate  Rule = "identity-certificate"
	RuleVersion      Rule = "identity-version"
	RuleMajorZero    Rule = "identity-version-zero"
	RuleArchitecture Rule = "identity-architecture"
	RuleNeutral      Rule = "identity-neutral"
	RuleResourceID   Rule = "identity-resource"

	RuleDisplayName   Rule = "display-name"
	RuleDescription   Rule = "description"
	RuleColor         Rule = "background-color"
	RuleLogo          Rule = "logo"
	RuleApplicationID Rule = "application-id"
	RuleExecutable    Rule = "executable"
	RuleSlash         Rule = "slash"
	RuleFile          Rule = "file"
	RuleLanguage      Rule = "language"

	RuleFamily     Rule = "device-family"
	RuleMinVersion Rule = "min-version"
	RuleTested     Rule = "max-version-tested"
	RuleNewer      Rule = "namespace-newer"

	RuleFullTrust  Rule = "full-trust"
	RuleCapability Rule = "capability"

	RuleCategory    Rule = "com-category"
	RulePlace       Rule = "com-place"
	RuleOrder       Rule = "com-order"
	RuleNoClass     Rule = "com-no-class"
	RuleGUID        Rule = "com-guid"
	RuleClassTwice  Rule = "com-class-twice"
	RuleReference   Rule = "com-reference"
	RulePermission  Rule = "com-permission"
	RuleArguments   Rule = "com-arguments"
	RuleUnsupported Rule = "com-unsupported"
	RuleExtension   Rule = "extension"
	RuleActivatable Rule = "activatable-class"

	RuleUndeclared   Rule = "ignorable-undeclared"
	RuleIgnorableCom Rule = "ignorable-com"
	RuleIgnorable    Rule = "ignorable-missing"

	RuleToken    Rule = "token"
	RuleCodeOnly Rule = "class-undeclared"
	RuleUnserved Rule = "class-unserved"
)

// RuleInfo is a row of the RuleTable.
type RuleInfo struct {
	Rule     Rule
	Severity Severity
	Demand   string // what it demands
	Remedy   string // what to do about it
}

// RuleTable has every rule, in the order of the documentation.
func RuleTable() []RuleInfo { return slices.Clone(ruleTable) }

var ruleTable = []RuleInfo{
	{RuleEncoding, Error, "the text is UTF-8 or UTF-16, as its XML declaration says", "save it as UTF-8"},
	{RuleXML, Error, "the text is well-formed XML 1.0 with namespaces", "mend the XML at this place"},
	{RuleDoctype, Error, "there is no DOCTYPE and no entity but the five of XML", "remove the declaration and write out what it stands for"},
	{RuleLimit, Error, "it is no larger and no deeper than a manifest may be", "make it smaller"},
	{RuleRoot, Error, "the root element is Package of " + foundation, "write xmlns=\"" + foundation + "\" into Package"},
	{RuleNamespace, Error, "elements of class servers are of a com namespace", "give the element the prefix of the com namespace"},
	{RuleMissing, Error, "what Windows requires is there", "add it"},
	{RuleTwice, Error, "what may be there once is there once", "remove one of them"},
	{RuleUnknown, Error, "Identity and ExeServer have only attributes that exist", "correct its name, or remove it"},
	{RuleElement, Error, "the elements of the foundation hold only elements that exist", "correct its name, or remove it"},
	{RuleText, Error, "texts that Windows passes on have 1 to 32767 characters and no white space round them", "remove the white space"},

	{RuleName, Error, "Identity/@Name has 3 to 50 letters, digits, dots and dashes, and is no reserved name", "choose a name like Contoso.Notes"},
	{RulePublisher, Error, "Identity/@Publisher is a distinguished name of the parts that Windows knows", "write the subject of the certificate, most specific first, with \", \" between: CN=Contoso, C=US"},
	{RuleCertificate, Error, "Identity/@Publisher is the subject of the certificate that signs the package", "write the subject into Identity/@Publisher, or sign with another certificate"},
	{RuleVersion, Error, "Identity/@Version is four numbers of 0 to 65535", "write it like 1.0.0.0"},
	{RuleMajorZero, Warning, "the first number of Identity/@Version is not 0", "begin at 1.0.0.0: the Store refuses 0"},
	{RuleArchitecture, Error, "Identity/@ProcessorArchitecture is x86, x64, arm, arm64, x86a64 or neutral", "write x64 for amd64, arm64 for aarch64"},
	{RuleNeutral, Warning, "a package with programs says for which processor", "add ProcessorArchitecture=\"x64\" or \"arm64\" to Identity"},
	{RuleResourceID, Error, "Identity/@ResourceId has 1 to 30 letters, digits, dots and dashes", "leave it out"},

	{RuleDisplayName, Error, "names for people have 1 to 256 characters", "write a name, or \"ms-resource:Name\""},
	{RuleDescription, Error, "descriptions have 1 to 2048 characters in one line", "write a sentence"},
	{RuleColor, Error, "BackgroundColor is transparent, a name of HTML or #RRGGBB", "write transparent, or one like #2d7d9a"},
	{RuleLogo, Error, "logos are png, jpg or jpeg files in the package", "name a .png file with \\ between folders"},
	{RuleApplicationID, Error, "Application/@Id has 1 to 64 letters and digits, in parts that begin with a letter", "write it like App or Contoso.Notes"},
	{RuleExecutable, Error, "paths of programs are relative, stay in the package and end in .exe", "write it like bin\\notes.exe"},
	{RuleSlash, Warning, "paths of programs and logos have \\ between folders", "write \\ in place of /"},
	{RuleFile, Error, "programs and logos that are named are in the package", "put the file there, or correct the path"},
	{RuleLanguage, Error, "Resource/@Language is a language tag", "write it like en-us"},

	{RuleFamily, Error, "TargetDeviceFamily/@Name is one that there is", "write Windows.Desktop"},
	{RuleMinVersion, Warning, "MinVersion is a Windows that knows what the manifest uses", "raise MinVersion"},
	{RuleTested, Error, "MinVersion and MaxVersionTested are versions, and the first is not above the second", "write both like 10.0.19041.0"},
	{RuleNewer, Warning, "MaxVersionTested is a Windows that has the namespaces in use", "raise MaxVersionTested"},

	{RuleFullTrust, Error, "a package with a class server or a full-trust program has the capability runFullTrust", "add <rescap:Capability Name=\"runFullTrust\" /> to Capabilities"},
	{RuleCapability, Warning, "restricted capabilities are ones that there are", "correct the name: Windows refuses capabilities that it does not know"},

	{RuleCategory, Error, "the Category of a com:Extension is windows.comServer or windows.comInterface", "mind upper and lower case"},
	{RulePlace, Error, "elements of class servers stand where Windows looks for them", "move it"},
	{RuleOrder, Error, "a com:ComServer has its elements in the order ExeServer, SurrogateServer, TreatAsClass, ProgId", "move it, or use the namespace com2, which has no order"},
	{RuleNoClass, Error, "a class server serves a class", "add <com:Class Id=\"...\" />, or remove the server"},
	{RuleGUID, Error, "ids of classes are GUIDs without braces", "write it like 14C5882B-35D3-41BE-86B2-5106269B97E6"},
	{RuleClassTwice, Error, "each class is declared and served once in the package, whatever the case of its id", "remove one, or make a new GUID"},
	{RuleReference, Error, "ids that refer to a class or a ProgId name one of the same ComServer", "declare what it refers to"},
	{RulePermission, Error, "LaunchAndActivationPermission is a security descriptor (SDDL)", "leave it out, or write it like O:SYG:SYD:(A;;11;;;WD)"},
	{RuleArguments, Warning, "an ExeServer has Arguments by which the program knows that it is launched to serve", "add Arguments=\"-serve\" and look for it in the program; one with the SDK of bgtask can ask Launched"},
	{RuleUnsupported, Warning, "class servers are programs", "on Linux only an ExeServer is started; on Windows it works as it is"},
	{RuleExtension, Note, "extensions are class servers", "on Linux it does nothing; on Windows it works as it is"},
	{RuleActivatable, Error, "the EntryPoint of a windows.backgroundTasks extension is an ActivatableClass of the package", "declare it, or use tasks with a class id, which need no such extension"},

	{RuleUndeclared, Error, "IgnorableNamespaces names declared prefixes", "add the xmlns attribute, or remove the prefix"},
	{RuleIgnorableCom, Warning, "IgnorableNamespaces does not name the com namespace of a class server", "remove it: a Windows that does not know it is to refuse the package"},
	{RuleIgnorable, Warning, "IgnorableNamespaces names the prefixes in use that not every Windows knows", "add the prefix to IgnorableNamespaces"},

	{RuleToken, Error, "nothing is left for a build to fill in", "let the build make it, or write the value; --template checks it as a template"},
	{RuleCodeOnly, Error, "each class that the program registers or serves is declared by an ExeServer", "declare it with com:Class, or correct the GUID in the program"},
	{RuleUnserved, Warning, "the program serves each class that is declared for it", "serve it, or remove the com:Class"},
}

func (r Rule) info() RuleInfo {
	for _, info := range ruleTable {
		if info.Rule == r {
			return info
		}
	}
	return RuleInfo{Rule: r, Severity: Error}
}
