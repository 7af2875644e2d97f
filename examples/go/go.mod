module watersic

go 1.19
