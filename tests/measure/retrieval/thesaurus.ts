/**
 * Words of offices that mean about the same, one meaning a line. Written before the documents and the questions of the set, from what one finds in
 * any thesaurus, and not changed after them: a model that knew the questions would measure nothing.
 */
export const THESAURUS: readonly string[] = `
holiday vacation leave absence
sick ill illness sickness unwell
salary pay wage wages earnings remuneration payroll
employee worker staff colleague coworker
boss manager supervisor lead superior
hire recruit employ onboard
fire dismiss terminate layoff sack
quit resign resignation
job position role post
interview candidate applicant
training course workshop lesson learning education
birth baby newborn maternity paternity parental parent
child kid children daughter son
pension retirement retire
bonus premium reward incentive
raise increase rise grow
decrease reduce lower cut drop
remote home telecommute hybrid
office workplace premises building site
desk table workstation
meeting conference appointment gathering
room space hall
money cash funds
cost price fee charge expense
buy purchase procure acquire order
sell sale sold
bill invoice
payment pay settle transfer
refund reimburse reimbursement repay
budget allowance
tax vat levy duty
bank account
customer client buyer
vendor supplier provider contractor
contract agreement terms
discount rebate reduction
profit margin gain
loss deficit
debt owe outstanding overdue arrears unpaid
loan credit lend borrow
travel trip journey
flight plane fly airline airport
train rail railway
car vehicle automobile drive
taxi cab ride
hotel lodging accommodation overnight stay
meal food lunch dinner eat breakfast
insurance insure cover coverage policy
accident injury hurt injured
emergency urgent critical
doctor physician
fire blaze smoke burn
evacuate evacuation leave exit
safe safety secure
password passphrase credential login
login signin logon authenticate authentication
key token secret
encrypt encryption cipher encrypted
phishing scam fraud
virus malware ransomware
breach leak exposure incident
attack hack intrusion hacker
lost missing stolen mislaid lose theft
badge card pass
door gate entrance entry
visitor guest
camera video surveillance
backup copy snapshot
restore recover recovery
delete remove erase purge deletion
keep retain retention store
data information record records
privacy private personal confidential
computer laptop notebook pc machine
phone mobile telephone cellphone smartphone
screen display monitor
printer print
software program application app
install installation setup
update upgrade patch
bug defect error fault
crash fail failure broken break
slow sluggish latency
fast quick speedy speed
server host
database store postgres
deploy deployment release rollout ship launch
rollback revert undo
test check verify examine
review inspect approve approval
code source
branch fork
merge combine
repository repo
document file paper
write author draft compose
read view
change modify alter edit amend
start begin commence
end finish stop complete conclude
cancel cancellation annul abort
extend prolong extension renew renewal
deadline due cutoff
wait delay postpone
late tardy
early beforehand
monthly month
yearly annual year annually
weekly week
daily day
hour hours
complaint grievance complain
question query ask
answer reply respond response
help support assist assistance
ticket case request
escalate escalation raise
outage downtime unavailable down
repair fix mend
maintenance upkeep servicing
warranty guarantee
return send back
deliver delivery shipment shipping parcel package
warehouse storage depot
stock inventory
product article item goods
feature function capability
price pricing tariff
trial evaluation demo
subscription plan membership
survey questionnaire poll
feedback opinion comment
market marketing advertise advertisement campaign
brand logo
press media journalist newspaper
social twitter linkedin
law legal lawyer attorney counsel
court lawsuit litigation sue
patent invention
trademark copyright
license licence permit
fine penalty sanction
audit inspection
risk hazard danger
rule policy regulation guideline
allow permit may permission allowed
forbid prohibit ban forbidden
must required mandatory obligatory compulsory
optional voluntary
report notify inform announce tell
sign signature
gift present
bribe corruption
conflict interest
harass harassment bullying bully
discriminate discrimination
diversity inclusion
disability disabled wheelchair
pregnant pregnancy expecting
marriage wedding marry
funeral death bereavement died
military army
jury court
parking park garage
bicycle bike cycling cycle
kitchen canteen cafeteria
coffee tea drink beverage
clean cleaning tidy
garbage waste trash rubbish recycle recycling
heat heating warm temperature
light lamp lighting
electricity power energy
water leak
noise loud quiet
smoke smoking cigarette
alcohol wine beer
dress clothing clothes wear
dog pet animal
mail email message letter
chat instant message
call ring phone
calendar schedule timetable
shift rota roster
overtime extra
flexible flexitime flexi
part half
probation trial
notice warning
goal objective target
performance appraisal evaluation
promotion promote advance
team group squad
department division unit
ceo chief director executive
board directors
shareholder investor stock share
strategy vision
quarter quarterly
forecast estimate projection prediction
spreadsheet excel
receipt proof voucher
credit debit
currency exchange foreign
import export customs
alert alarm alarming page
monitor observe monitoring watch
log journal trace
network internet wifi connection
firewall proxy
vpn tunnel
cloud aws hosting
api endpoint interface
query search find look
index catalogue
user person people member
admin administrator
guest visitor external
country nation abroad
language translate translation
size big large
small little tiny
new fresh recent
old former previous legacy
big huge large
first initial
last final
`
  .trim()
  .split('\n')
