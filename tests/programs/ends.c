#include <thrum/thrum.h>
int main(void){return 0;}
